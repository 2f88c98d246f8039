import { defaultGuss, type Guss } from '@rollcall/gba'
import { type PrivateUser, type Subscriber, usableImpusOf } from '../subscribers/subscriber.ts'

/**
 * The GBA user security settings of a user: what an operator set, of which public identities that are barred or no longer
 * the user's are left out; else the identities of the implicit set for authentication proxy and presence.
 *
 * @see TS 33.220 clause 4.4.6, TS 29.109 annex A
 */
export function gussOf(subscriber: Subscriber, { guss }: PrivateUser): Guss {
  const impus = usableImpusOf(subscriber)
  if (guss === undefined) return defaultGuss(impus)
  // guard: guss-own-identities — a NAF is told of no public identity that is not the user's
  const uss = guss.uss.map((one) => ({ ...one, uids: one.uids.filter((uid) => !isImpu(uid) || impus.includes(uid)) }))
  return { ...guss, uss }
}

/** Other names, such as those of a NAF's own accounts, are the operator's to give. */
function isImpu(uid: string): boolean {
  return /^(?:sips?|tel):/i.test(uid)
}
