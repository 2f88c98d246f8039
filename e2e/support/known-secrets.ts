import assert from 'node:assert/strict'
import { readFile } from 'node:fs/promises'
import type { DataFolder } from '@rollcall/deploy/local/data-folder.ts'
import type { World } from '../story/world.ts'

/** Fewer would mean that the key log was not read. */
const SECRETS_MIN = 20

/** Every secret of a network that a test can know. */
export interface KnownSecrets {
  /** By what it is: `K of bob`. */
  readonly keys: ReadonlyMap<string, Buffer>
  readonly natsKey: string
}

/**
 * K and OPc or TOPc of everybody; CK and IK of each SA set, as ESP has them; the sealing keys and the key of NATS.
 *
 * @param o.keyLogFile where UEs of the test wrote their SA sets.
 */
export async function knownSecrets(o: { world: World; data: DataFolder; keyLogFile: string }): Promise<KnownSecrets> {
  const keys = new Map<string, Buffer>()
  for (const [name, credentials] of Object.entries(o.world.credentials)) {
    const { keys: own } = credentials
    keys.set(`K of ${name}`, own.k.reveal())
    keys.set(`OPc or TOPc of ${name}`, ('topc' in own ? own.topc : own.opc).reveal())
  }
  const keyLog = await readFile(o.keyLogFile, 'utf8')
  for (const [index, match] of [...keyLog.matchAll(/"0x([0-9a-fA-F]{32})[0-9a-fA-F]*"/g)].entries()) {
    keys.set(`session key ${index}`, Buffer.from(String(match[1]), 'hex'))
  }
  assert.ok(keys.size > SECRETS_MIN, 'there are session keys in the key log')
  for (const service of ['hss', 'pcscf', 'bsf']) {
    const file = JSON.parse(await readFile(o.data.sealingKeysFile(service), 'utf8')) as { keys: Record<string, string> }
    for (const [id, text] of Object.entries(file.keys))
      keys.set(`sealing key ${service} ${id}`, Buffer.from(text, 'base64'))
  }
  return { keys, natsKey: (await readFile(o.data.natsKeyFile, 'utf8')).trim() }
}

/** Looks for every secret in every place, in each form that it might be written down in. */
export function assertNoSecrets(secrets: KnownSecrets, places: ReadonlyMap<string, Buffer>): void {
  for (const [place, content] of places) {
    assert.ok(!content.includes(secrets.natsKey), `the key of NATS is in ${place}`)
    for (const [what, key] of secrets.keys) {
      for (const form of formsOf(key)) assert.ok(!content.includes(form), `${what} is in ${place}`)
    }
  }
}

/** Raw, in hexadecimal of either case, in base64 with and without its tail. */
function formsOf(key: Buffer): (Buffer | string)[] {
  const hex = key.toString('hex')
  return [key, hex, hex.toUpperCase(), key.toString('base64').replace(/=+$/, ''), key.toString('base64url')]
}
