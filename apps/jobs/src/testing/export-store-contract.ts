import { createHash } from 'node:crypto'
import type { ExportStore } from '@urna/core'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { ExportNameTakenError } from '../directory-export-store.ts'

export interface ExportStoreSubject {
  readonly store: ExportStore
  /** What stands in the store under that name. */
  read(name: string): string
  close(): void
}

/** What ExportStore promises, for every store. */
export function exportStoreContract(name: string, makeSubject: () => ExportStoreSubject): void {
  describe(`export store contract: ${name}`, () => {
    let subject: ExportStoreSubject
    beforeEach(() => {
      subject = makeSubject()
    })
    afterEach(() => subject.close())

    it('keeps what was written, byte for byte, and says how much it was', async () => {
      const text = 'a,b\r\n"ação","🗳️"\r\n'
      async function* slowly() {
        for (const character of text) {
          await Promise.resolve()
          yield character
        }
      }
      const stored = await subject.store.write('results-20261121T205907Z.csv', slowly())
      expect(stored).toEqual({
        name: 'results-20261121T205907Z.csv',
        bytes: Buffer.byteLength(text),
        sha256: createHash('sha256').update(text).digest('hex'),
      })
      expect(subject.read(stored.name)).toBe(text)
    })

    it('takes an iterable that is not asynchronous, and an empty one', async () => {
      await subject.store.write('a.csv', ['x', 'y'])
      await subject.store.write('b.csv', [])
      expect([subject.read('a.csv'), subject.read('b.csv')]).toEqual(['xy', ''])
    })

    it('lists oldest first: by time, then by number, each with its manifest behind it', async () => {
      const inOrder = [
        'results-20261121T205906Z.csv',
        'results-20261121T205907Z.csv',
        'results-20261121T205907Z.csv.manifest.json',
        'results-20261121T205907Z-2.csv',
        'results-20261121T205907Z-2.csv.manifest.json',
        'results-20261121T205907Z-10.csv',
        'results-20270101T000000Z.csv',
      ]
      for (const file of [...inOrder].sort().reverse()) await subject.store.write(file, [file])
      expect(await subject.store.list()).toEqual(inOrder)
    })

    it('does not show a name before its content is complete', async () => {
      const seen: string[][] = []
      async function* watching() {
        yield 'first'
        seen.push(await subject.store.list())
        yield 'second'
      }
      await subject.store.write('a.csv', watching())
      expect(seen).toEqual([[]])
      expect(await subject.store.list()).toEqual(['a.csv'])
    })

    it('leaves nothing of a write that fails half-way', async () => {
      async function* failing() {
        yield 'first half'
        throw new Error('the database went away')
      }
      await expect(subject.store.write('a.csv', failing())).rejects.toThrow('the database went away')
      expect(await subject.store.list()).toEqual([])
    })

    it('never replaces an export', async () => {
      await subject.store.write('a.csv', ['old'])
      await expect(subject.store.write('a.csv', ['new'])).rejects.toThrow(ExportNameTakenError)
      expect(subject.read('a.csv')).toBe('old')
    })

    it('gives a name to one of two that write it at the same time', async () => {
      const outcomes = await Promise.allSettled(['one', 'two'].map((text) => subject.store.write('a.csv', [text])))
      expect(outcomes.map(({ status }) => status).sort()).toEqual(['fulfilled', 'rejected'])
      expect(await subject.store.list()).toEqual(['a.csv'])
    })

    it('removes, and does not mind what is gone', async () => {
      await subject.store.write('a.csv', ['x'])
      await subject.store.remove('a.csv')
      await subject.store.remove('a.csv')
      expect(await subject.store.list()).toEqual([])
    })

    it.each(['../a.csv', 'b/a.csv', '.hidden', '..', 'a\0.csv'])('refuses the name %j', async (file) => {
      await expect(subject.store.write(file, ['x'])).rejects.toThrow(RangeError)
    })
  })
}
