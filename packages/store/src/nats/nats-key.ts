import { createHmac } from 'node:crypto'
import type { Random } from '@rollcall/core'
import { Secret } from '@rollcall/core'

/** Environment variable that a rendered configuration takes the encryption key from. */
export const NATS_KEY_VARIABLE = 'ROLLCALL_NATS_ENCRYPTION_KEY'

const KEY_OCTETS = 32
/** nats-server parses the variable like a value of its configuration: it must not look like a number or a list. */
const KEY_FORM = /^k[A-Za-z0-9_-]{32,128}$/

/** Makes a key for JetStream's encryption at rest, as text that fits into the environment variable. */
export function createNatsKey(random: Random): Secret {
  return new Secret(Buffer.from(`k${random.bytes(KEY_OCTETS).toString('base64url')}`, 'latin1'))
}

/** True when nats-server will read the key as one text, whatever its characters. */
export function isNatsKey(key: Secret): boolean {
  return KEY_FORM.test(key.reveal().toString('latin1'))
}

/** Tells keys apart without giving them away. */
export function natsKeyFingerprint(key: Secret): string {
  return createHmac('sha256', key.reveal()).update('rollcall nats key fingerprint').digest('hex').slice(0, 32)
}
