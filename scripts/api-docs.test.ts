import { readFileSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { describe, expect, it } from 'vitest'
import { apiDocs } from './api-docs/index.ts'

const repository = resolve(import.meta.dirname, '..')

describe('documents that are made from the api', async () => {
  const docs = await apiDocs()
  it.each(Object.keys(docs))('%s is what `make docs` makes', (path) => {
    expect(readFileSync(join(repository, path), 'utf8')).toBe(docs[path])
  })
})
