import { closeSync, existsSync, openSync, renameSync, statSync, writeSync } from 'node:fs'

export const logBytesMax = 20_000_000

/** What a process writes; never more than two files of 20 MB. */
export class LogFile {
  readonly path: string
  #descriptor: number
  #bytes: number

  constructor(path: string) {
    this.path = path
    this.#bytes = existsSync(path) ? statSync(path).size : 0
    this.#descriptor = openSync(path, 'a', 0o600)
  }

  writeLine(line: string): void {
    if (this.#bytes > logBytesMax) this.#turn()
    this.#bytes += writeSync(this.#descriptor, `${line}\n`)
  }

  close(): void {
    closeSync(this.#descriptor)
  }

  #turn(): void {
    closeSync(this.#descriptor)
    renameSync(this.path, `${this.path}.1`)
    this.#descriptor = openSync(this.path, 'a', 0o600)
    this.#bytes = 0
  }
}
