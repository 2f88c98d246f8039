import { appendFile } from 'node:fs/promises'
import { formatWiresharkSas, type SaSetParameters } from '@rollcall/esp'

/** Only its owner may read how his own traffic is decrypted. */
const FILE_MODE = 0o600

/** Takes down the keys of each SA set; there is none unless a person asked for it. */
export type KeyLog = (set: SaSetParameters) => Promise<void>

/**
 * Appends the SAs of each set to `file`, in the form of Wireshark's `esp_sa` table: four lines a set, before the first
 * packet goes out in it.
 */
export function fileKeyLog(file: string): KeyLog {
  return (set) => appendFile(file, `${formatWiresharkSas(set).join('\n')}\n`, { mode: FILE_MODE })
}
