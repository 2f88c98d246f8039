import { assertNever } from '@rollcall/core'
import { type SipTimers, transactionLifetimeMs } from './timers.ts'

/** RFC 3261 figure 6. `intervalMs` is what timer E was set to last. */
export type ClientState =
  | { readonly name: 'initial' }
  | { readonly name: 'trying'; readonly intervalMs: number }
  | { readonly name: 'proceeding' }
  | { readonly name: 'completed' }
  | { readonly name: 'terminated' }

export type ClientInput =
  | { readonly kind: 'start' }
  | { readonly kind: 'response'; readonly status: number }
  | { readonly kind: 'timerE' }
  | { readonly kind: 'timerF' }
  | { readonly kind: 'timerK' }
  | { readonly kind: 'transportError' }

export type ClientEffect =
  | { readonly kind: 'send' }
  | { readonly kind: 'startTimer'; readonly timer: 'E' | 'F' | 'K'; readonly afterMs: number }
  | { readonly kind: 'cancelTimer'; readonly timer: 'E' | 'F' | 'K' }
  | { readonly kind: 'deliver' }
  | { readonly kind: 'reportTimeout' }
  | { readonly kind: 'reportTransportError' }

export interface ClientDecision {
  readonly state: ClientState
  readonly effects: readonly ClientEffect[]
}

interface ClientOptions {
  readonly timers: SipTimers
  readonly isReliable: boolean
}

const TERMINATED: ClientState = { name: 'terminated' }
const STOP_WAITING: readonly ClientEffect[] = [
  { kind: 'cancelTimer', timer: 'E' },
  { kind: 'cancelTimer', timer: 'F' },
]

/**
 * One step of the non-INVITE client transaction: sends again after T1, 2*T1 … T2 until a response comes (timer E; only
 * over an unreliable transport), every T2 behind a provisional one, gives up after 64*T1 (timer F), and absorbs
 * retransmitted responses for T4 (timer K).
 *
 * @see RFC 3261 section 17.1.2
 */
export function decideClient(state: ClientState, input: ClientInput, options: ClientOptions): ClientDecision {
  switch (state.name) {
    case 'initial':
      return input.kind === 'start' ? start(options) : { state, effects: [] }
    case 'trying':
    case 'proceeding':
      return decideWaiting(state, input, options)
    case 'completed':
      return input.kind === 'timerK' ? { state: TERMINATED, effects: [] } : { state, effects: [] }
    case 'terminated':
      return { state, effects: [] }
    default:
      return assertNever(state)
  }
}

function start({ timers, isReliable }: ClientOptions): ClientDecision {
  const timerE: readonly ClientEffect[] = isReliable ? [] : [{ kind: 'startTimer', timer: 'E', afterMs: timers.t1Ms }]
  return {
    state: { name: 'trying', intervalMs: timers.t1Ms },
    effects: [{ kind: 'startTimer', timer: 'F', afterMs: transactionLifetimeMs(timers) }, ...timerE, { kind: 'send' }],
  }
}

function decideWaiting(
  state: Extract<ClientState, { name: 'trying' | 'proceeding' }>,
  input: ClientInput,
  options: ClientOptions,
): ClientDecision {
  switch (input.kind) {
    case 'response':
      return input.status < 200 ? { state: { name: 'proceeding' }, effects: [{ kind: 'deliver' }] } : complete(options)
    case 'timerE':
      return sendAgain(state, options)
    case 'timerF':
      return { state: TERMINATED, effects: [...STOP_WAITING, { kind: 'reportTimeout' }] }
    case 'transportError':
      return { state: TERMINATED, effects: [...STOP_WAITING, { kind: 'reportTransportError' }] }
    case 'start':
    case 'timerK':
      return { state, effects: [] }
    default:
      return assertNever(input)
  }
}

function complete({ timers, isReliable }: ClientOptions): ClientDecision {
  if (isReliable) return { state: TERMINATED, effects: [...STOP_WAITING, { kind: 'deliver' }] }
  return {
    state: { name: 'completed' },
    effects: [...STOP_WAITING, { kind: 'startTimer', timer: 'K', afterMs: timers.t4Ms }, { kind: 'deliver' }],
  }
}

function sendAgain(
  state: Extract<ClientState, { name: 'trying' | 'proceeding' }>,
  { timers }: ClientOptions,
): ClientDecision {
  const intervalMs = state.name === 'trying' ? Math.min(2 * state.intervalMs, timers.t2Ms) : timers.t2Ms
  return {
    state: state.name === 'trying' ? { name: 'trying', intervalMs } : state,
    effects: [{ kind: 'startTimer', timer: 'E', afterMs: intervalMs }, { kind: 'send' }],
  }
}
