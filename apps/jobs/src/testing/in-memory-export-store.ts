import { createHash } from 'node:crypto'
import type { ExportStore } from '@urna/core'
import { ExportNameTakenError } from '../directory-export-store.ts'
import { compareFileNames } from '../export-name.ts'

/** Exports without a disk; passes the same contract suite as the folder. */
export class InMemoryExportStore implements ExportStore {
  readonly files = new Map<string, string>()

  async write(name: string, chunks: AsyncIterable<string> | Iterable<string>) {
    if (/[/\0]|^\./.test(name)) throw new RangeError(`not a name of an export: ${name}`)
    let content = ''
    for await (const chunk of chunks) content += chunk
    if (this.files.has(name)) throw new ExportNameTakenError(`${name} exists already`)
    this.files.set(name, content)
    return { name, bytes: Buffer.byteLength(content), sha256: createHash('sha256').update(content).digest('hex') }
  }

  async list() {
    return [...this.files.keys()].sort(compareFileNames)
  }

  async remove(name: string) {
    this.files.delete(name)
  }
}
