import { mkdirSync, mkdtempSync, readdirSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { cut, isLoaded } from './cut-packages.ts'

describe('what of the packages goes into an image', () => {
  it.each([
    'node_modules/fastify/fastify.js',
    'node_modules/fastify/package.json',
    'node_modules/fastify/LICENSE',
    'node_modules/zod/LICENSE.md',
    // Code, in spite of its name.
    'node_modules/yaml/dist/doc/Document.js',
    'node_modules/better-sqlite3/prebuilds/linux-x64.node',
    'node_modules/@smithy/core/dist-cjs/index.js',
    'node_modules/@fastify/swagger-ui/static/swagger-ui.css',
    'apps/api/dist/main.js',
  ])('%s', (path) => {
    expect(isLoaded(path, 'linux-x64')).toBe(true)
  })

  it.each([
    'node_modules/fastify/types/index.d.ts',
    'node_modules/fastify/test/stream.test.js',
    'node_modules/fastify/docs/Guides/logo.png',
    'node_modules/zod/src/index.ts',
    'node_modules/zod/README.md',
    'node_modules/@types/node/package.json',
    'node_modules/@types/node/LICENSE',
    'node_modules/better-sqlite3/deps/sqlite3/sqlite3.c',
    'node_modules/better-sqlite3/deps/download',
    'node_modules/better-sqlite3/prebuilds/linux-arm64.node',
    'node_modules/@smithy/core/dist-es/index.js',
    'apps/api/dist/main.js.map',
    'apps/api/dist/.tsbuildinfo',
  ])('not %s', (path) => {
    expect(isLoaded(path, 'linux-x64')).toBe(false)
  })

  describe('on a disk', () => {
    let folder: string
    beforeEach(() => {
      folder = mkdtempSync(join(tmpdir(), 'urna-cut-'))
    })
    afterEach(() => rmSync(folder, { recursive: true }))

    it('is what stays, with the links to our own, and without empty folders', () => {
      for (const path of ['one/index.js', 'one/index.d.ts', 'one/test/a.js', '@types/node/index.d.ts']) {
        mkdirSync(dirname(join(folder, 'node_modules', path)), { recursive: true })
        writeFileSync(join(folder, 'node_modules', path), '')
      }
      mkdirSync(join(folder, 'node_modules/@urna'))
      symlinkSync('../../apps/api', join(folder, 'node_modules/@urna/api'))
      cut(join(folder, 'node_modules'), 'linux-x64')
      expect(readdirSync(folder, { recursive: true }).sort()).toEqual(
        ['node_modules', 'node_modules/@urna', 'node_modules/@urna/api', 'node_modules/one', 'node_modules/one/index.js'].sort(),
      )
    })
  })
})
