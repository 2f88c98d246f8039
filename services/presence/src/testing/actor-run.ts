import { applyChanges, type Touched, untouched } from '../actor/apply.ts'
import { decide, type Input } from '../actor/decide.ts'
import type { Decision } from '../actor/decision.ts'
import { emptyState, nextExpiryMs, type PresentityState } from '../actor/state.ts'
import { DEFAULT_TERMS } from '../actor/terms.ts'
import type { DecisionRecord } from '../partition/log-record.ts'
import { decodeRecord, encodeRecord } from '../partition/record-codec.ts'
import { ALICE } from './inputs.ts'

/** One actor as its owner drives it, with the log that would have been written. */
export class ActorRun {
  state: PresentityState = emptyState(ALICE)
  readonly log: Uint8Array[] = []
  nowMs = 1_700_000_000_000

  /** Decides and applies; what ran out before is ended first, as the owner does. */
  do(input: Input): { decision: Decision; touched: Touched } {
    if (input.kind !== 'expire' && nextExpiryMs(this.state) <= this.nowMs) this.do({ kind: 'expire' })
    const decision = decide(this.state, input, this.nowMs, DEFAULT_TERMS)
    if (decision.changes.length === 0) return { decision, touched: untouched() }
    const record: DecisionRecord = {
      kind: 'decision',
      decidedAtMs: this.nowMs,
      presentity: ALICE,
      answered: decision.answer && { key: { callId: 'c', cseq: 1, branch: 'b' }, answer: decision.answer },
      changes: decision.changes,
    }
    this.log.push(encodeRecord(record))
    return { decision, touched: applyChanges(this.state, record.changes, { decidedAtMs: this.nowMs, traceparent: '' }) }
  }

  /** Status of the answer to a request. */
  status(input: Input): number | undefined {
    return this.do(input).decision.answer?.status
  }

  /** What a new owner makes of the log. */
  reload(): PresentityState {
    const state = emptyState(ALICE)
    for (const octets of this.log) {
      const record = decodeRecord(Buffer.from(octets))
      if (record.kind === 'decision') applyChanges(state, record.changes, { ...record, traceparent: '' })
    }
    return state
  }
}
