import type { HistoryEvent } from './history.ts'

/** How much before and after an event is told, and how many lines at most. */
const BEFORE_MS = 6_000
const AFTER_MS = 2_000
const LINES_MAX = 60

/** What happened between the presentity and the watcher of an event around it, a line each, in the order of time. */
export function excerpt(events: readonly HistoryEvent[], at: HistoryEvent): string[] {
  const centreMs = timeOf(at)
  const presentity = 'presentity' in at ? at.presentity : undefined
  const watcher = 'watcher' in at ? at.watcher : undefined
  const dialogs = new Set<string>()
  for (const event of events) {
    const isTheirs = 'dialog' in event && 'watcher' in event && event.watcher === watcher
    if (isTheirs && event.presentity === presentity) dialogs.add(event.dialog)
  }
  const isAbout = (event: HistoryEvent): boolean =>
    'dialog' in event ? dialogs.has(event.dialog) : event.presentity === presentity
  const lines = events
    .filter((event) => isAbout(event) && timeOf(event) > centreMs - BEFORE_MS && timeOf(event) < centreMs + AFTER_MS)
    .toSorted((a, b) => timeOf(a) - timeOf(b))
    .map((event) => `${event === at ? '>' : ' '} ${lineOf(event, watcher)}`)
  const middle = lines.findIndex((line) => line.startsWith('>'))
  const from = Math.max(0, middle - (LINES_MAX * 2) / 3)
  return lines.slice(from, from + LINES_MAX)
}

function timeOf(event: HistoryEvent): number {
  return event.kind === 'notify' ? event.atMs : event.beginMs
}

function lineOf(event: HistoryEvent, watcher: string | undefined): string {
  if (event.kind === 'notify') {
    const shows = event.shows === undefined ? 'nothing' : `state ${event.shows}`
    return `${event.atMs.toFixed(0)} NOTIFY ${event.dialog} CSeq ${event.cseq} ${event.subscriptionState}: ${shows}`
  }
  const when = `${event.beginMs.toFixed(0)}..${event.endMs.toFixed(0)} ${event.outcome}`
  switch (event.kind) {
    case 'publish':
      return `${when} PUBLISH state ${event.state}`
    case 'policy':
      return `${when} policy ${watcher !== undefined && event.blocked.includes(watcher) ? 'blocks' : 'allows'}`
    case 'subscribe':
      return `${when} SUBSCRIBE ${event.dialog}`
    case 'leave':
      return `${when} leaves ${event.dialog}`
  }
}
