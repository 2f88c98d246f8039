import { assertNever } from '@rollcall/core'
import type { Decision } from './decision.ts'
import { decidePublish, type PublishInput } from './publish.ts'
import { decideRegister, type RegisterInput } from './register.ts'
import type { PresentityState } from './state.ts'
import { decideResubscribe, decideSubscribe, type ResubscribeInput, type SubscribeInput } from './subscribe.ts'
import type { Terms } from './terms.ts'
import {
  decideEnd,
  decideEndWatcher,
  decideExpire,
  decideMoveNotifyBase,
  decidePolicy,
  decideTell,
  type EndInput,
  type EndWatcherInput,
  type ExpireInput,
  type MoveNotifyBaseInput,
  type PolicyInput,
  type TellInput,
} from './upkeep.ts'

/** A request that waits for an answer. */
export type RequestInput = PublishInput | SubscribeInput | ResubscribeInput | RegisterInput

/** What the owner does by itself. */
export type UpkeepInput = ExpireInput | PolicyInput | TellInput | EndInput | EndWatcherInput | MoveNotifyBaseInput

export type Input = RequestInput | UpkeepInput

/**
 * The actor: what becomes of an input, given all that is known of the presentity. Pure: the state stays as it is until
 * `applyChanges` makes the changes. What has run out by `nowMs` must have been ended before (`expire`).
 */
export function decide(state: PresentityState, input: Input, nowMs: number, terms: Terms): Decision {
  switch (input.kind) {
    case 'publish':
      return decidePublish(state, input, nowMs, terms)
    case 'subscribe':
      return decideSubscribe(state, input, nowMs, terms)
    case 'resubscribe':
      return decideResubscribe(state, input, nowMs, terms)
    case 'register':
      return decideRegister(state, input, nowMs)
    case 'expire':
      return decideExpire(state, nowMs, terms)
    case 'policy':
      return decidePolicy(state, input, nowMs)
    case 'tell':
      return decideTell(state, input)
    case 'end':
      return decideEnd(state, input, nowMs, terms)
    case 'end-watcher':
      return decideEndWatcher(state, input, nowMs, terms)
    case 'move-notify-base':
      return decideMoveNotifyBase(state, input)
    default:
      return assertNever(input)
  }
}
