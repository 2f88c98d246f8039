import type { SqnState } from '@rollcall/aka'
import type { SqnRecord } from '@rollcall/proto-gen/hss'

/** How the stored record looks to the code. */
export function sqnStateOf(record: SqnRecord): SqnState {
  return {
    seq: record.seq,
    nextInd: { cx: record.nextIndCx, zh: record.nextIndZh, other: record.nextIndOther },
  }
}

/** What is stored of `state`. */
export function sqnRecordOf(generation: Buffer, state: SqnState): SqnRecord {
  return {
    generation,
    seq: state.seq,
    nextIndCx: state.nextInd.cx,
    nextIndZh: state.nextInd.zh,
    nextIndOther: state.nextInd.other,
  }
}
