import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { join, relative, resolve } from 'node:path'
import { gzipSync } from 'node:zlib'
import { describe, expect, it } from 'vitest'

/**
 * What a voter's browser loads before it can vote, as the build made it: it is small, it comes from one place, and it holds nothing that
 * only the server needs.
 */

const maxGzippedBytes = 100_000
const dist = resolve(import.meta.dirname, '../../apps/frontend/dist')
const built = existsSync(join(dist, 'index.html'))

/** Texts in script bundles that name a page, a namespace or a schema; no browser loads them. */
const namesOnly = [
  'http://www.w3.org',
  'https://react.dev',
  'https://mantine.dev',
  'https://json-schema.org',
  'http://json-schema.org',
  // A base by which the router reads paths.
  'http://localhost',
]

/** Addresses that an HTML page makes the browser load, or open. */
function addressesInHtml(html: string): string[] {
  return [...html.matchAll(/\s(?:src|href|srcset|poster|data|action)\s*=\s*["']?([^"'\s>]+)/g)].map((match) => match[1] ?? '')
}

function addressesInCss(css: string): string[] {
  const urls = /url\(\s*["']?([^"')]+)["']?\s*\)|@import\s*["']([^"']+)["']/g
  return [...css.matchAll(urls)].map((match) => match[1] ?? match[2] ?? '').filter((address) => !address.startsWith('data:'))
}

/** Modules that are loaded with this one; `import()` loads later. */
function staticImports(script: string): string[] {
  const statements = /(?<![\w$.])(?:import|export)\s*(?:[\w$*{}\s,]*\bfrom\s*)?["']((?:\.{0,2}\/)[^"']+)["']/g
  return [...script.matchAll(statements)].map((match) => match[1] ?? '')
}

function addressesIn(path: string): string[] {
  const text = () => readFileSync(path, 'utf8')
  if (path.endsWith('.html')) return addressesInHtml(text())
  if (path.endsWith('.css')) return addressesInCss(text())
  return path.endsWith('.js') ? staticImports(text()) : []
}

function isElsewhere(address: string): boolean {
  return /^([a-z][a-z0-9+.-]*:|\/\/)/i.test(address)
}

/** The file, and all that a browser loads because of it. */
function loadedBy(path: string, loaded = new Set<string>()): Set<string> {
  if (loaded.has(path)) return loaded
  loaded.add(path)
  for (const address of addressesIn(path)) {
    if (isElsewhere(address)) continue
    const [file = ''] = address.split(/[?#]/)
    loadedBy(file.startsWith('/') ? join(dist, file) : resolve(path, '..', file), loaded)
  }
  return loaded
}

function filesOf(folder: string): string[] {
  return readdirSync(folder, { recursive: true, encoding: 'utf8' }).map((name) => join(folder, name))
}

describe('what a page refers to is found', () => {
  it.each([
    ['import"./a.js";', ['./a.js']],
    ['import{a as b,c}from"./a.js";import d from"../b.js";', ['./a.js', '../b.js']],
    ['import*as a from"/assets/a.js"', ['/assets/a.js']],
    ['import e,{$ as _}from"./a.js"', ['./a.js']],
    ['export{a}from"./a.js";export*from"./b.js"', ['./a.js', './b.js']],
    ['const a=()=>import("./later.js");export{a as default}', []],
    ['let x="import me";y.import("./no.js")', []],
  ])('%s', (script, imports) => {
    expect(staticImports(script)).toEqual(imports)
  })

  it('in HTML and CSS', () => {
    const html = '<script type="module" crossorigin src="/a.js"></script><link rel=icon href=/i.svg><a href="//other.example/">'
    expect(addressesInHtml(html)).toEqual(['/a.js', '/i.svg', '//other.example/'])
    const css = '@import "b.css";a{background:url(data:x)}b{src:url("f.woff2") format("woff2"),url(https://other.example/f)}'
    expect(addressesInCss(css)).toEqual(['b.css', 'f.woff2', 'https://other.example/f'])
    expect(['/a.js', 'a.js', '//other.example/', 'https://other.example/f'].map(isElsewhere)).toEqual([false, false, true, true])
  })
})

describe.skipIf(!built)(`the built pages${built ? '' : ' (there is no apps/frontend/dist: make test builds it)'}`, () => {
  const scripts = built ? filesOf(dist).filter((path) => path.endsWith('.js')) : []

  it(`what a voter loads is under ${maxGzippedBytes / 1_000} KB gzipped`, () => {
    const sizes = [...loadedBy(join(dist, 'index.html'))].map((path) => ({
      name: relative(dist, path),
      bytes: gzipSync(readFileSync(path)).length,
    }))
    const sum = sizes.reduce((total, { bytes }) => total + bytes, 0)
    const list = sizes.map(({ name, bytes }) => `${name} ${bytes}`).join(' + ')
    console.log(`voting entry, gzipped bytes: ${list} = ${sum} of at most ${maxGzippedBytes}`)
    expect(sizes.map(({ name }) => name)).toContain('index.html')
    expect(sizes.filter(({ name }) => name.endsWith('.js')).length).toBeGreaterThan(1)
    expect(sum).toBeLessThan(maxGzippedBytes)
  })

  it('nothing comes from another origin', () => {
    const pages = filesOf(dist).filter((path) => /\.(html|css|js)$/.test(path))
    expect(pages.flatMap((path) => addressesIn(path).filter(isElsewhere))).toEqual([])
    // A script can put an address together; what it says in one piece is seen here.
    const origins = scripts.flatMap((path) => readFileSync(path, 'utf8').match(/\b(?:https?|wss?):\/\/[\w.-]+/g) ?? [])
    // The comment in settings.js gives an example.
    expect(origins.filter((origin) => !namesOnly.includes(origin) && !origin.endsWith('.example'))).toEqual([])
  })

  it('nothing that a voter loads holds zod or the administration: the voting pages use the types of contracts only', () => {
    const marks = ['ZodError', '_zod', 'mantine']
    const sources = ['zod/v4/core', '@mantine/core/esm/core'].flatMap((folder) =>
      filesOf(resolve(import.meta.dirname, '../../node_modules', folder)).filter((path) => /\.m?js$/.test(path)),
    )
    const inSources = sources.map((path) => readFileSync(path, 'utf8')).join('')
    const loaded = [...loadedBy(join(dist, 'index.html'))].filter((path) => path.endsWith('.js') || path.endsWith('.css'))
    const later = scripts.filter((path) => !loaded.includes(path)).map((path) => readFileSync(path, 'utf8'))
    for (const mark of marks) {
      // What is looked for is really there, and survives a bundler: a text, the name of a property, a prefix of class names.
      expect(inSources).toContain(mark)
      expect(later.some((text) => text.includes(mark))).toBe(true)
    }
    expect(loaded.filter((path) => marks.some((mark) => readFileSync(path, 'utf8').includes(mark)))).toEqual([])
  })
})
