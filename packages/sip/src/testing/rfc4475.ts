import { readFileSync } from 'node:fs'

/** The valid messages: RFC 4475 section 3.1.1. */
export const VALID_TORTURE_MESSAGES: readonly string[] = [
  'wsinv',
  'intmeth',
  'esc01',
  'escnull',
  'esc02',
  'lwsdisp',
  'longreq',
  'dblreq',
  'semiuri',
  'transports',
  'mpart01',
  'unreason',
  'noreason',
]

/** Octets of a message of RFC 4475 by its name there; vectors/rfc4475/README.md says where they are from. */
export function tortureMessage(name: string): Buffer {
  return readFileSync(new URL(`../vectors/rfc4475/${name}.dat`, import.meta.url))
}
