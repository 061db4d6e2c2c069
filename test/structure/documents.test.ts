import { execFileSync } from 'node:child_process'
import { existsSync, readFileSync } from 'node:fs'
import { basename, dirname, join, resolve } from 'node:path'
import { describe, expect, it } from 'vitest'

const root = resolve(import.meta.dirname, '../..')
// Where there is no git (a source archive), the folders are asked.
const files = execFileSync('find', ['.', '-type', 'f', '-not', '-path', '*/node_modules/*', '-not', '-path', './.git/*'], {
  cwd: root,
  encoding: 'utf8',
})
  .split('\n')
  .map((path) => path.slice(2))
const documents = files.filter((path) => path.endsWith('.md') && !path.includes('/dist/'))

describe('documents', () => {
  it('name only tests that are there', () => {
    const names = new Set(files.map((path) => basename(path)))
    const text = readFileSync(join(root, 'docs/security.md'), 'utf8')
    const named = [...text.matchAll(/`([\w./-]+\.ts)`/g)].map(([, path = '']) => path)
    expect(named.length).toBeGreaterThan(30)
    expect(named.filter((path) => !names.has(basename(path)))).toEqual([])
  })

  it.each(documents)('%s links only to what is there', (document) => {
    const text = readFileSync(join(root, document), 'utf8').replace(/```.*?```/gs, '')
    const links = [...text.matchAll(/\]\(([^)\s]+)\)|<img src="([^"]+)"/g)].map(
      ([, link = '', image = '']) => (link || image).split('#', 1)[0] ?? '',
    )
    const missing = links.filter((link) => link !== '' && !/^[a-z]+:/.test(link) && !existsSync(join(root, dirname(document), link)))
    expect(missing).toEqual([])
  })
})
