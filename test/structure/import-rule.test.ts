import { readdirSync, readFileSync } from 'node:fs'
import { basename, join, relative, resolve } from 'node:path'
import { describe, expect, it } from 'vitest'

/**
 * The architecture, as arrows: who may import whom. Imports, package.json dependencies and TypeScript references must all be arrows of
 * this table; `tsc -b` alone would accept a forbidden one.
 */
const mayImport: Record<string, readonly string[]> = {
  contracts: [],
  core: [],
  runtime: [],
  database: ['core'],
  queue: ['core', 'contracts'],
  frontend: ['contracts'],
  api: ['core', 'contracts', 'database', 'queue', 'runtime'],
  consumer: ['core', 'contracts', 'database', 'queue', 'runtime'],
  jobs: ['core', 'contracts', 'database', 'queue', 'runtime'],
  standalone: ['core', 'contracts', 'database', 'queue', 'runtime', 'api', 'consumer', 'jobs'],
}

/** Only the place where an app is put together names concrete adapters. */
const namesAdapters = /^(compose|main|.*-worker)\.ts$/
const adapters = ['database', 'queue']

const root = resolve(import.meta.dirname, '../..')
const folders = ['packages', 'apps'].flatMap((group) => readdirSync(join(root, group)).map((name) => join(root, group, name)))

function sourcesOf(folder: string): string[] {
  return readdirSync(join(folder, 'src'), { recursive: true, encoding: 'utf8' })
    .filter((name) => /\.tsx?$/.test(name))
    .map((name) => join(folder, 'src', name))
}

function importsOf(text: string): string[] {
  const specifiers = /(?:from|import|import\.meta\.resolve)\s*\(?\s*['"]([^'"]+)['"]/g
  return [...text.matchAll(specifiers)].map((match) => match[1] ?? '')
}

function ours(specifier: string): string | null {
  return /^@urna\/([a-z]+)/.exec(specifier)?.[1] ?? null
}

describe('import rule', () => {
  it('knows every package and app', () => {
    expect(folders.map((folder) => basename(folder)).sort()).toEqual(Object.keys(mayImport).sort())
  })

  for (const folder of folders) {
    const name = basename(folder)
    const allowed = mayImport[name] ?? []
    const sources = sourcesOf(folder).map((path) => ({ path: relative(root, path), imports: importsOf(readFileSync(path, 'utf8')) }))

    it(`${name}: every import is an arrow of the table`, () => {
      const forbidden = sources.flatMap(({ path, imports }) =>
        imports
          .filter((specifier) => {
            const target = ours(specifier)
            return target !== null && target !== name && !allowed.includes(target)
          })
          .map((specifier) => `${path} imports ${specifier}`),
      )
      expect(forbidden).toEqual([])
    })

    it(`${name}: no import leaves the package by a relative path`, () => {
      const leaving = sources.flatMap(({ path, imports }) =>
        imports
          .filter((specifier) => specifier.startsWith('.') && relative(folder, resolve(root, path, '..', specifier)).startsWith('..'))
          .map((specifier) => `${path} imports ${specifier}`),
      )
      expect(leaving).toEqual([])
    })

    it(`${name}: package.json and tsconfig.json name what is imported, and nothing forbidden`, () => {
      const manifest = JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8')) as { dependencies?: Record<string, string> }
      const references =
        (JSON.parse(readFileSync(join(folder, 'tsconfig.json'), 'utf8')) as { references?: { path: string }[] }).references ?? []
      const declared = Object.keys(manifest.dependencies ?? {}).flatMap((dependency) => ours(dependency) ?? [])
      const referenced = references.map((reference) => basename(reference.path))
      const imported = new Set(
        sources.flatMap(({ imports }) => imports.flatMap((specifier) => ours(specifier) ?? [])).filter((target) => target !== name),
      )
      expect(declared.filter((target) => !allowed.includes(target))).toEqual([])
      expect([...referenced].sort()).toEqual([...declared].sort())
      expect([...imported].sort()).toEqual([...declared].sort())
    })
  }

  it('only compose.ts, main.ts and worker entries of an app name concrete adapters (tests may)', () => {
    const apps = folders.filter((folder) => basename(join(folder, '..')) === 'apps')
    const named = apps.flatMap((folder) =>
      sourcesOf(folder)
        .filter((path) => !namesAdapters.test(basename(path)) && !path.endsWith('.test.ts'))
        .filter((path) => importsOf(readFileSync(path, 'utf8')).some((specifier) => adapters.includes(ours(specifier) ?? '')))
        .map((path) => relative(root, path)),
    )
    expect(named).toEqual([])
  })

  it('the core uses nothing but itself and the standard library', () => {
    const foreign = sourcesOf(join(root, 'packages/core'))
      .filter((path) => !path.includes('/testing/') && !path.endsWith('.test.ts'))
      .flatMap((path) =>
        importsOf(readFileSync(path, 'utf8')).filter((specifier) => !specifier.startsWith('.') && !specifier.startsWith('node:')),
      )
    expect(foreign).toEqual([])
  })
})
