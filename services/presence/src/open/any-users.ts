import type { Impu } from '@rollcall/core'
import { type PresencePolicy, plainDecision } from '@rollcall/policy'
import type { UserData } from '../sh/read-user-data.ts'

const EVERYBODY_MAY: PresencePolicy = { decide: () => plainDecision('allow') }

/**
 * Users without an HSS: every identity, of one domain if that is given, is a user of its own whom everybody may watch,
 * also without an identity. For measurements and interworking tests.
 */
export class AnyUsers {
  readonly #partitionOf: (canonical: Impu) => number
  readonly #domain: string | undefined

  constructor(o: { readonly partitionOf: (canonical: Impu) => number; readonly domain: string | undefined }) {
    this.#partitionOf = o.partitionOf
    this.#domain = o.domain
  }

  peek(impu: Impu): UserData | 'unknown' {
    if (this.#domain !== undefined && domainOf(impu) !== this.#domain) return 'unknown'
    const partition = this.#partitionOf(impu)
    return { canonical: impu, partition, impus: [impu], policy: EVERYBODY_MAY, revision: 0n }
  }

  async fetch(impu: Impu): Promise<UserData | undefined> {
    const user = this.peek(impu)
    return user === 'unknown' ? undefined : user
  }
}

/** Host of a sip: identity, without its port; a tel: identity has none. */
function domainOf(impu: Impu): string | undefined {
  return /^sips?:[^@]*@(\[[^\]]*\]|[^:]*)/.exec(impu)?.[1]
}
