import type { PidfDocument } from '@rollcall/pidf'
import { RPID } from './namespaces.ts'

/**
 * Reads which sphere a presentity says she is in, from all that she publishes: `work`, `home` or what else stands there.
 * None, several that differ, or one that is not understood: undefined, and no rule about a sphere holds. `Choice:` so
 * does one that is dated (`from`, `until`), since nobody would notice its end.
 *
 * @see RFC 5025 section 3.1.2; RFC 4480 section 3.11
 */
export function sphereOf(documents: readonly PidfDocument[]): string | undefined {
  const spheres = new Set<string | undefined>()
  for (const { bytes, persons } of documents) {
    for (const { extensions } of persons) {
      for (const { namespace, localName, nameEnd, end } of extensions) {
        if (namespace !== RPID || localName !== 'sphere') continue
        spheres.add(sphereIn(bytes.toString('utf8', nameEnd, end)))
      }
    }
  }
  const [sphere, ...others] = spheres
  return others.length === 0 ? sphere : undefined
}

/** A sphere as it is compared: without regard to case (RFC 4745 section 7.3). */
export function sphereKey(sphere: string): string {
  return sphere.toLowerCase()
}

/** The element's one empty child, or its text; `behindName` begins behind the name in the start tag. */
function sphereIn(behindName: string): string | undefined {
  const match =
    /^((?:[^<>"']|"[^"]*"|'[^']*')*)>\s*(?:<(?:[\w.-]+:)?([\w.-]+)\s*(?:\/>|>\s*<\/[^<>]*>)|([\w.-]+))\s*<\/[^<>]*>$/.exec(
      behindName,
    )
  if (!match || /\s(?:from|until)\s*=/.test(match[1] ?? '')) return undefined
  const name = match[2] ?? match[3]
  return name === 'unknown' ? undefined : name
}
