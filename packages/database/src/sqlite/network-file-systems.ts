import { statfsSync } from 'node:fs'
import { dirname } from 'node:path'

/** statfs(2) type numbers of Linux. */
const networkFileSystems: ReadonlyMap<number, string> = new Map([
  [0x6969, 'NFS'],
  [0x517b, 'SMB'],
  [0xff534d42, 'CIFS'],
  [0xfe534d42, 'SMB2'],
  [0x01021997, '9p'],
])

export class NetworkFileSystemError extends Error {
  override name = 'NetworkFileSystemError'
}

/**
 * Throws if the file would lie on a network file system: their locks do not exclude, their memory maps are not shared and their fsync
 * may not sync, so that SQLite loses ballots there without an error. Other systems than Linux number their types differently and are
 * not checked.
 */
export function refuseNetworkFileSystem(path: string, statfs: (path: string) => { type: number } = statfsSync): void {
  if (process.platform !== 'linux') return
  const folder = dirname(path)
  const name = networkFileSystems.get(statfs(folder).type >>> 0)
  if (name === undefined) return
  throw new NetworkFileSystemError(
    `${folder} is on a network file system (${name}), where SQLite cannot keep its promises: set DATA_DIR to a folder on a local disk`,
  )
}
