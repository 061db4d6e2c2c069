import type { Clock } from '../ports/clock.ts'
import { hmacSha256 } from './hmac-sha256.ts'
import type { MasterKey } from './master-key.ts'

const dayMs = 86_400_000

/**
 * What stands in for the address of a caller wherever it has to be told from others: base64url of 16 bytes, made with a key of the (UTC) day. Who
 * holds the hash but not the master key cannot try all addresses; and tomorrow the same address has another one.
 */
export function addressHashes(masterKey: Pick<MasterKey, 'addressKeyOf'>, clock: Clock): (address: string) => string {
  let day = -1
  let hmac = hmacSha256(Buffer.alloc(32))
  return (address) => {
    const today = Math.floor(clock.nowMs() / dayMs)
    if (today !== day) {
      day = today
      hmac = hmacSha256(masterKey.addressKeyOf(today))
    }
    return hmac(Buffer.from(address)).subarray(0, 16).toString('base64url')
  }
}
