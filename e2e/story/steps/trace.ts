import type { TimeSpan } from '../cast.ts'
import type { StorySpan, TraceSource } from '../stack.ts'
import { expect, StoryError } from '../waiting.ts'
import { renderWaterfall } from '../waterfall.ts'
import type { Step } from './step.ts'

/** Spans are exported in batches, some seconds apart. */
const ARRIVAL_MS_MAX = 30_000
/** Clocks of two machines; on one they are the same. */
const CLOCK_TOLERANCE_MS = 250

/** Where a SUBSCRIBE passes, in this order; the last one is the write to the log. */
const PATH: readonly { readonly what: string; readonly isOf: (span: StorySpan) => boolean }[] = [
  { what: 'P-CSCF', isOf: (span) => span.service === 'pcscf' && span.name === 'SIP SUBSCRIBE' },
  { what: 'S-CSCF', isOf: (span) => span.service === 'scscf' && span.name === 'SIP SUBSCRIBE' },
  { what: 'Presence Server', isOf: (span) => span.service === 'presence' && span.name === 'SIP SUBSCRIBE' },
  { what: 'store', isOf: (span) => span.service === 'presence' && span.name === 'store append' },
]

export const traceStep: Step = {
  name: 'trace',
  async play({ stack, subscribed, secondPublished }) {
    const { traces } = stack
    if (!traces) return { protection: '', detail: 'not looked at: this stack sends its spans elsewhere.' }
    expect(subscribed && secondPublished, 'nothing was traced')
    const subscribe = await wholeTrace(traces, subscribed)
    const notify = await linkedNotify(traces, secondPublished, subscribe.traceId)
    return {
      protection: '',
      detail:
        `bob's SUBSCRIBE is one trace from the P-CSCF through S-CSCF and Presence Server to the store; ` +
        `the NOTIFY of alice's second PUBLISH is linked to that PUBLISH (${notify.links.length} links).`,
      drawing: renderWaterfall(`SUBSCRIBE of bob, trace ${subscribe.traceId}`, subscribe.spans),
    }
  },
}

/** Waits until the trace of the SUBSCRIBE that entered in `during` has every stop of its path, one below the other. */
async function wholeTrace(
  traces: TraceSource,
  during: TimeSpan,
): Promise<{ traceId: string; spans: readonly StorySpan[] }> {
  let missing = 'P-CSCF'
  try {
    return await traces.waitFor((spans) => {
      const isRoot = (span: StorySpan): boolean => span.service === 'pcscf' && span.name === 'SIP SUBSCRIBE'
      // A subscription to a registration may begin in the same moment: that one ends at the S-CSCF.
      for (const root of spans.filter((span) => isRoot(span) && isIn(span, during))) {
        const own = spans.filter(({ traceId }) => traceId === root.traceId)
        const stop = PATH.find(({ isOf }) => !own.some((span) => isOf(span) && isBelow(span, root, own)))
        if (stop === undefined) return { traceId: root.traceId, spans: own }
        missing = stop.what
      }
      return undefined
    }, ARRIVAL_MS_MAX)
  } catch (cause) {
    throw new StoryError(`the trace of bob's SUBSCRIBE has no span of the ${missing}`, { cause })
  }
}

/** Waits for the NOTIFY that is linked to the PUBLISH of `during` and to the SUBSCRIBE. */
async function linkedNotify(traces: TraceSource, during: TimeSpan, subscribeTraceId: string): Promise<StorySpan> {
  try {
    return await traces.waitFor((spans) => {
      const isPublish = (span: StorySpan): boolean => span.service === 'pcscf' && span.name === 'SIP PUBLISH'
      const published = spans.filter((span) => isPublish(span) && isIn(span, during)).map(({ traceId }) => traceId)
      return spans.find(
        (span) =>
          span.service === 'presence' &&
          span.name === 'SIP NOTIFY' &&
          published.some((traceId) => isLinked(span, traceId)) &&
          isLinked(span, subscribeTraceId),
      )
    }, ARRIVAL_MS_MAX)
  } catch (cause) {
    throw new StoryError("no NOTIFY span is linked to alice's PUBLISH and bob's SUBSCRIBE", { cause })
  }
}

function isLinked(span: StorySpan, traceId: string): boolean {
  return span.links.some((link) => link.traceId === traceId)
}

function isIn(span: StorySpan, { startMs, endMs }: TimeSpan): boolean {
  return span.startMs >= startMs - CLOCK_TOLERANCE_MS && span.startMs <= endMs + CLOCK_TOLERANCE_MS
}

function isBelow(span: StorySpan, root: StorySpan, spans: readonly StorySpan[]): boolean {
  let current: StorySpan | undefined = span
  for (let depth = 0; current && depth <= spans.length; depth++) {
    if (current.spanId === root.spanId) return true
    const parentId: string = current.parentSpanId
    current = spans.find(({ spanId }) => spanId === parentId)
  }
  return false
}
