import { readFileSync } from 'node:fs'
import { inflateRawSync } from 'node:zlib'

const endOfDirectory = 0x06054b50
const directoryEntry = 0x02014b50
const deflated = 8

/** One file out of a zip archive: this Node has no reader for them, and one entry is all that is wanted. */
export function fileInZip(archive: string, name: string): Buffer {
  const zip = readFileSync(archive)
  // The end of the directory has a comment behind it at most.
  let at = zip.length - 22
  while (at >= 0 && zip.readUInt32LE(at) !== endOfDirectory) at--
  if (at < 0) throw new Error(`${archive}: not a zip archive`)
  const entries = zip.readUInt16LE(at + 10)
  let entry = zip.readUInt32LE(at + 16)
  for (let index = 0; index < entries; index++) {
    if (zip.readUInt32LE(entry) !== directoryEntry) throw new Error(`${archive}: its directory is broken`)
    const nameLength = zip.readUInt16LE(entry + 28)
    if (zip.toString('utf8', entry + 46, entry + 46 + nameLength) === name) return contentOf(zip, entry)
    entry += 46 + nameLength + zip.readUInt16LE(entry + 30) + zip.readUInt16LE(entry + 32)
  }
  throw new Error(`${archive}: there is no ${name} in it`)
}

function contentOf(zip: Buffer, entry: number): Buffer {
  const [method, size] = [zip.readUInt16LE(entry + 10), zip.readUInt32LE(entry + 20)]
  const header = zip.readUInt32LE(entry + 42)
  const begin = header + 30 + zip.readUInt16LE(header + 26) + zip.readUInt16LE(header + 28)
  const bytes = zip.subarray(begin, begin + size)
  return method === deflated ? inflateRawSync(bytes) : bytes
}
