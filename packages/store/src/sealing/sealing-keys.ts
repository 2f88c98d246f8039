import { readFile } from 'node:fs/promises'
import { type Random, Secret } from '@rollcall/core'
import { SealingKeysError } from './errors.ts'

export const SEALING_KEY_OCTETS = 32
const KEY_ID = /^[A-Za-z0-9_-]{1,32}$/
const BASE64_32_OCTETS = /^[A-Za-z0-9+/]{43}=$/

/** The content of a file of sealing keys. */
export interface SealingKeys {
  /** Id of the key that seals. */
  readonly current: string
  /** Every key that may open. */
  readonly keys: ReadonlyMap<string, Secret>
  /** Id of the key that hashes come from: it stays when the sealing key changes. */
  readonly hash: string
}

/**
 * Reads `{"current": id, "hash": id, "keys": {id: base64 of 32 octets, …}}`. `hash` may be left out while there is one
 * key; from the second on it must name the first, since hashes stand in keys and subjects and must not change.
 *
 * @throws SealingKeysError
 */
export async function readSealingKeys(file: string): Promise<SealingKeys> {
  let content: unknown
  try {
    content = JSON.parse(await readFile(file, 'utf8'))
  } catch (error) {
    // A parser's message may quote the file.
    if (error instanceof SyntaxError) throw new SealingKeysError(file, 'it is no JSON')
    throw new SealingKeysError(file, 'it cannot be read', error)
  }
  return parseSealingKeys(content, (detail) => new SealingKeysError(file, detail))
}

/** The text of a file with two fresh keys: one that seals, and one apart for hashes, so that the first can be replaced. */
export function createSealingKeys(random: Random): string {
  const [k1, h1] = [0, 1].map(() => random.bytes(SEALING_KEY_OCTETS).toString('base64'))
  return `${JSON.stringify({ current: 'k1', hash: 'h1', keys: { k1, h1 } }, null, 2)}\n`
}

function parseSealingKeys(content: unknown, error: (detail: string) => SealingKeysError): SealingKeys {
  if (!isObject(content)) throw error('it is no JSON object')
  const { current, hash, keys: listed, ...others } = content
  const [other] = Object.keys(others)
  if (other !== undefined) throw error(`it has an unknown field ${JSON.stringify(other.slice(0, 40))}`)
  if (!isObject(listed)) throw error('"keys" must be an object of ids and keys')
  const keys = new Map<string, Secret>()
  for (const [id, text] of Object.entries(listed)) {
    if (!KEY_ID.test(id)) throw error('an id of a key must be 1 to 32 of A-Z a-z 0-9 _ -')
    if (typeof text !== 'string' || !BASE64_32_OCTETS.test(text)) {
      throw error(`key ${id} must be base64 of ${SEALING_KEY_OCTETS} octets`)
    }
    keys.set(id, new Secret(Buffer.from(text, 'base64')))
  }
  if (typeof current !== 'string' || !keys.has(current)) throw error('"current" must name one of the keys')
  if (hash === undefined && keys.size > 1) {
    throw error('"hash" must name the key that was the only one before: hashes come from it and must not change')
  }
  const hashId = hash ?? current
  if (typeof hashId !== 'string' || !keys.has(hashId)) throw error('"hash" must name one of the keys')
  return { current, keys, hash: hashId }
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}
