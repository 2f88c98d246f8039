import type { Impu } from '@rollcall/core'
import type { OwnedRequest } from '@rollcall/presence/partition'
import type { RequestKey } from '@rollcall/store'

/** What a request about a presentity asks, before the front of a replica has completed it. */
export type Asked =
  | {
      readonly kind: 'publish'
      readonly entityTag: string | undefined
      readonly expiresSeconds: number
      readonly body: Buffer
    }
  | { readonly kind: 'subscribe'; readonly watcher: Impu; readonly dialog: string; readonly expiresSeconds: number }
  | {
      readonly kind: 'resubscribe'
      readonly watcher: Impu
      readonly dialog: string
      readonly subscriptionId: string
      readonly expiresSeconds: number
      readonly cseq: number
    }

/** A request on its way; the same one may come several times. */
export interface SimRequest {
  readonly key: RequestKey
  readonly presentity: Impu
  readonly asked: Asked
}

/** A final answer, as the client reads it. */
export interface SimAnswer {
  readonly status: number
  readonly entityTag?: string | undefined
  /** The subscription, for an accepted SUBSCRIBE. */
  readonly toTag?: string
  /**
   * Its owner had been overtaken a moment ago, and its lease was live still: a refusal of such a one may be wrong, since who
   * takes over does not wait for it (decision 007).
   */
  readonly isOvertaken?: boolean
}

/** The Event id of a watcher's dialog; its Call-ID and tag are derived from the same name. */
export const callIdOf = (dialog: string): string => `call-${dialog}`
export const remoteTagOf = (dialog: string): string => `tag-${dialog}`

const TARGET = 'sip:watcher@127.0.0.1:5060'
const CONTACT = '<sip:presence@sim.example>'

/** Completes a request as the front does; `freshTag` gives tags that nobody has had before. */
export function inputOf(
  { presentity, asked }: SimRequest,
  policy: NonNullable<OwnedRequest['policy']> | undefined,
  freshTag: () => string,
): OwnedRequest['input'] | undefined {
  const newTag = freshTag()
  if (asked.kind === 'publish') {
    const contentType = 'application/pidf+xml'
    return { ...asked, contentType, isEncoded: false, newEntityTag: `e${newTag}`, newTag }
  }
  const { watcher, dialog, expiresSeconds } = asked
  const isOwn = watcher === presentity
  const common = {
    eventPackage: 'presence',
    eventId: dialog,
    watcher: [watcher],
    isOwn,
    accept: undefined,
    expiresSeconds,
    contact: CONTACT,
    recordRoute: [],
  } as const
  if (asked.kind === 'resubscribe') {
    const { subscriptionId, cseq } = asked
    return {
      ...common,
      kind: 'resubscribe',
      isHidden: false,
      subscriptionId,
      callId: callIdOf(dialog),
      remoteTag: remoteTagOf(dialog),
      cseq,
      remoteTarget: TARGET,
      policy: policy?.policy,
      newTag: subscriptionId,
    }
  }
  if (!policy) return undefined
  return {
    ...common,
    kind: 'subscribe',
    resource: presentity,
    isHidden: false,
    proof: undefined,
    policy: policy.policy,
    newTag,
    dialog: {
      callId: callIdOf(dialog),
      remoteTag: remoteTagOf(dialog),
      localUri: presentity,
      remoteUri: watcher,
      remoteTarget: TARGET,
      routeSet: [],
      remoteCseq: 1,
    },
  }
}
