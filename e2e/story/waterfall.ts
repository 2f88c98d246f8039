import type { StorySpan } from './stack.ts'

/** Width of the bars' field; with names and figures beside it a terminal of 120 columns holds it. */
const BAR_COLUMNS = 48
const NAME_COLUMNS_MAX = 46

interface Row {
  readonly span: StorySpan
  readonly depth: number
}

/**
 * Draws a trace for a terminal: a line a span, indented below its parent, with a bar where in the whole it ran. A span
 * whose parent is not there stands at the left, with an ellipsis.
 */
export function renderWaterfall(title: string, spans: readonly StorySpan[]): string[] {
  const rows = rowsOf(spans)
  if (rows.length === 0) return [title, '  (no spans)']
  const startMs = Math.min(...spans.map((span) => span.startMs))
  const endMs = Math.max(...spans.map((span) => span.endMs))
  const known = new Set(spans.map(({ spanId }) => spanId))
  const labels = rows.map(({ span, depth }) => labelOf(span, depth, known))
  const width = Math.min(NAME_COLUMNS_MAX, Math.max(...labels.map(({ length }) => length)))
  const services = Math.max(...spans.map(({ service }) => service.length))
  const lines = rows.map(({ span }, at) => {
    const label = fit(labels[at] ?? '', width)
    const bar = barOf(span, startMs, endMs)
    const ms = (span.endMs - span.startMs).toFixed(1).padStart(7)
    return `  ${span.service.padEnd(services)}  ${label}  ${bar} ${ms} ms${span.failed ? '  failed' : ''}`
  })
  return [`${title}, ${(endMs - startMs).toFixed(1)} ms`, ...lines]
}

/** Parents before children, children by their start. */
function rowsOf(spans: readonly StorySpan[]): Row[] {
  const known = new Set(spans.map(({ spanId }) => spanId))
  const byStart = spans.toSorted((a, b) => a.startMs - b.startMs || a.spanId.localeCompare(b.spanId))
  const rows: Row[] = []
  const seen = new Set<string>()
  const add = (span: StorySpan, depth: number): void => {
    if (seen.has(span.spanId)) return
    seen.add(span.spanId)
    rows.push({ span, depth })
    for (const child of byStart) if (child.parentSpanId === span.spanId) add(child, depth + 1)
  }
  for (const span of byStart) if (!known.has(span.parentSpanId)) add(span, 0)
  return rows
}

function labelOf(span: StorySpan, depth: number, known: ReadonlySet<string>): string {
  const isOrphan = span.parentSpanId !== '' && !known.has(span.parentSpanId)
  return `${isOrphan ? '… ' : '  '.repeat(depth)}${span.name}`
}

function fit(text: string, width: number): string {
  return text.length > width ? `${text.slice(0, width - 1)}…` : text.padEnd(width)
}

/** At least one block, however short the span. */
function barOf(span: StorySpan, startMs: number, endMs: number): string {
  const whole = Math.max(endMs - startMs, Number.EPSILON)
  const from = Math.min(BAR_COLUMNS - 1, Math.floor(((span.startMs - startMs) / whole) * BAR_COLUMNS))
  const to = Math.max(from + 1, Math.ceil(((span.endMs - startMs) / whole) * BAR_COLUMNS))
  return `▕${'·'.repeat(from)}${'█'.repeat(Math.min(to, BAR_COLUMNS) - from)}${'·'.repeat(Math.max(0, BAR_COLUMNS - to))}▏`
}
