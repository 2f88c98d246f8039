import { InvalidGussError } from './errors.ts'

/** GAA service identifiers, which for 3GPP's own services equal the type (TS 29.109 annex B). */
export const GSID_AUTHENTICATION_PROXY = 2
export const GSID_PRESENCE = 3

/** What one kind of application function is told of a user. */
export interface Uss {
  readonly gsid: number
  readonly type: number
  /** Only NAFs of this group are told; empty: all. */
  readonly nafGroup: string
  readonly uids: string[]
  readonly flags: number[]
}

/** GBA user security settings of a private identity (TS 29.109 annex A). */
export interface Guss {
  /** Of a bootstrapped key; 0 leaves it to the BSF. */
  readonly lifetimeSeconds: number
  readonly uss: Uss[]
}

/** 3GPP's own are below a million (TS 29.109 clause 6.3.1.6). */
const GSID_MAX = 999_999
const LIFETIME_SECONDS_MAX = 30 * 86_400
/** `Choice:` none asks for more, and a bootstrapping context has to hold them. */
const USS_MAX = 16
const UIDS_MAX = 64
const FLAGS_MAX = 32
const TEXT_CHARS_MAX = 256

/**
 * The settings of a user for whom nobody has set any: the public identities may be used at authentication proxies and at
 * the Presence Server. `Choice:` a user with no settings at all could not use Ut.
 */
export function defaultGuss(uids: readonly string[]): Guss {
  const uss = [GSID_AUTHENTICATION_PROXY, GSID_PRESENCE].map((gsid) => ({
    gsid,
    type: gsid,
    nafGroup: '',
    uids: [...uids],
    flags: [],
  }))
  return { lifetimeSeconds: 0, uss }
}

/**
 * Checks settings that somebody provisions.
 *
 * @throws InvalidGussError with every problem.
 */
export function checkGuss(guss: Guss): void {
  const problems: string[] = []
  const require = (holds: boolean, problem: string): void => {
    if (!holds) problems.push(problem)
  }
  require(guss.lifetimeSeconds <= LIFETIME_SECONDS_MAX, `lifetime_seconds: over ${LIFETIME_SECONDS_MAX}`)
  require(guss.uss.length <= USS_MAX, `uss: over ${USS_MAX}`)
  const gsids = new Set<number>()
  for (const { gsid, nafGroup, uids, flags } of guss.uss) {
    const path = `uss ${gsid}`
    require(gsid <= GSID_MAX, `${path}: over ${GSID_MAX}`)
    require(!gsids.has(gsid), `${path}: twice`)
    gsids.add(gsid)
    require(uids.length > 0, `${path}: no uid`)
    require(uids.length <= UIDS_MAX && flags.length <= FLAGS_MAX, `${path}: too many uids or flags`)
    require(uids.every(isText) &&
      (nafGroup === '' ||
        isText(
          nafGroup,
        )), `${path}: uids and NAF group are 1 to ${TEXT_CHARS_MAX} characters without control characters and quotes`)
  }
  if (problems.length > 0) throw new InvalidGussError(problems)
}

/**
 * The settings that a NAF asks for by GSID, of those that are for its group.
 *
 * @see TS 33.220 clause 4.5.3
 */
export function selectUss(guss: Guss, o: { readonly gsids: readonly number[]; readonly nafGroup: string }): Uss[] {
  return guss.uss.filter(({ gsid, nafGroup }) => o.gsids.includes(gsid) && (nafGroup === '' || nafGroup === o.nafGroup))
}

function isText(text: string): boolean {
  // Quotes would end a field of X-3GPP-Asserted-Identity too soon.
  return text.length > 0 && text.length <= TEXT_CHARS_MAX && !/[\p{Cc}"\\]/u.test(text)
}
