import { assertNever } from '@rollcall/core'
import { type SipTimers, transactionLifetimeMs } from './timers.ts'

/**
 * Octets, as latin1 text, and the way they go. They are kept for 64*T1: as a Buffer they would keep the whole block of
 * Node's pool that they were cut from.
 */
interface Outgoing<F> {
  readonly text: string
  readonly flow: F
}

/** RFC 3261 figure 8. */
export type ServerState<F> =
  | { readonly name: 'trying' }
  | { readonly name: 'proceeding'; readonly last: Outgoing<F> }
  | { readonly name: 'completed'; readonly last: Outgoing<F> }
  | { readonly name: 'terminated' }

export type ServerInput<F> =
  | { readonly kind: 'request' }
  | { readonly kind: 'respond'; readonly status: number; readonly outgoing: Outgoing<F> }
  | { readonly kind: 'timerJ' }
  | { readonly kind: 'transportError' }

export type ServerEffect<F> =
  | { readonly kind: 'send'; readonly outgoing: Outgoing<F> }
  | { readonly kind: 'startTimerJ'; readonly afterMs: number }

export interface ServerDecision<F> {
  readonly state: ServerState<F>
  readonly effects: readonly ServerEffect<F>[]
}

/**
 * One step of the non-INVITE server transaction. `request` is a retransmission: the request that began the transaction
 * is its state `trying`. Over a reliable transport timer J is zero.
 *
 * @see RFC 3261 section 17.2.2
 */
export function decideServer<F>(
  state: ServerState<F>,
  input: ServerInput<F>,
  options: { readonly timers: SipTimers; readonly isReliable: boolean },
): ServerDecision<F> {
  switch (state.name) {
    case 'trying':
    case 'proceeding':
      return decideOpen(state, input, options)
    case 'completed':
      if (input.kind === 'request') return { state, effects: [{ kind: 'send', outgoing: state.last }] }
      if (input.kind === 'respond') return { state, effects: [] }
      return { state: { name: 'terminated' }, effects: [] }
    case 'terminated':
      return { state, effects: [] }
    default:
      return assertNever(state)
  }
}

function decideOpen<F>(
  state: Extract<ServerState<F>, { name: 'trying' | 'proceeding' }>,
  input: ServerInput<F>,
  options: { readonly timers: SipTimers; readonly isReliable: boolean },
): ServerDecision<F> {
  switch (input.kind) {
    case 'request':
      return { state, effects: state.name === 'trying' ? [] : [{ kind: 'send', outgoing: state.last }] }
    case 'respond': {
      const last = input.outgoing
      if (input.status < 200)
        return { state: { name: 'proceeding', last }, effects: [{ kind: 'send', outgoing: last }] }
      if (options.isReliable) return { state: { name: 'terminated' }, effects: [{ kind: 'send', outgoing: last }] }
      return {
        state: { name: 'completed', last },
        effects: [
          { kind: 'startTimerJ', afterMs: transactionLifetimeMs(options.timers) },
          { kind: 'send', outgoing: last },
        ],
      }
    }
    case 'timerJ':
      return { state, effects: [] }
    case 'transportError':
      return { state: { name: 'terminated' }, effects: [] }
    default:
      return assertNever(input)
  }
}
