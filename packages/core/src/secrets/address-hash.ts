import { addressBlock } from '../access/address-block.ts'
import type { Clock } from '../ports/clock.ts'
import type { HmacSha256 } from './hmac-sha256.ts'
import type { MasterKey } from './master-key.ts'

const dayMs = 86_400_000
const hashBytes = 16

/**
 * What stands for the address of a caller wherever one has to be remembered: HMAC-SHA-256 with a key of the day (UTC), 16 bytes as base64url.
 * The same address has another one tomorrow, and nobody without the master key can try all addresses to find the one behind it. All addresses of one
 * {@link addressBlock} have the same: whatever is counted by it, nobody starts anew with the next address of his own network.
 */
export function addressHashes(masterKey: Pick<MasterKey, 'addressKey'>, clock: Clock): (address: string) => string {
  let day = Number.NaN
  let hmac: HmacSha256
  return (address) => {
    const today = Math.floor(clock.nowMs() / dayMs)
    if (today !== day) {
      hmac = masterKey.addressKey(today)
      day = today
    }
    return hmac(Buffer.from(addressBlock(address)))
      .subarray(0, hashBytes)
      .toString('base64url')
  }
}
