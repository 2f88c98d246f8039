import { type PidfSummary, readPidfSummary, readWatcherinfo, type Watcherinfo } from '@rollcall/pidf'
import { type DocumentChange, MalformedUtAnswerError, type Notification, readXcapDiff } from '@rollcall/ue'
import { XmlError } from '@rollcall/xml'
import { printable, timeOfDay } from '../printable.ts'

/** One notification, as a person and as a program reads it. */
export interface NotificationView {
  readonly text: string
  readonly json: Readonly<Record<string, unknown>>
}

/** Shows a NOTIFY of the package `presence`. */
export function viewPresence(uri: string, notification: Notification): NotificationView {
  const summary = read(() => readPidfSummary(notification.body), notification)
  const lines = [headline(uri, notification), ...(typeof summary === 'object' ? presenceLines(summary) : [summary])]
  return {
    text: lines.filter((line) => line !== '').join('\n'),
    json: { ...notificationJson(uri, notification), presence: typeof summary === 'object' ? summary : undefined },
  }
}

/** Shows a NOTIFY of the package `presence.winfo`. */
export function viewWinfo(uri: string, notification: Notification): NotificationView {
  const info = notification.watchers ?? read(() => readWatcherinfo(notification.body), notification)
  const lines = [headline(uri, notification), ...(typeof info === 'object' ? winfoLines(info) : [info])]
  return {
    text: lines.filter((line) => line !== '').join('\n'),
    json: { ...notificationJson(uri, notification), winfo: typeof info === 'object' ? info : undefined },
  }
}

/** Shows a NOTIFY of the package `xcap-diff`: which documents there are, or what became of some. */
export function viewDocuments(uri: string, notification: Notification): NotificationView {
  const changes = read(() => readXcapDiff(notification.body), notification)
  const lines = [headline(uri, notification), ...(typeof changes === 'object' ? documentLines(changes) : [changes])]
  return {
    text: lines.filter((line) => line !== '').join('\n'),
    json: { ...notificationJson(uri, notification), documents: typeof changes === 'object' ? changes : undefined },
  }
}

function documentLines(changes: readonly DocumentChange[]): string[] {
  return changes.length === 0 ? ['  no documents'] : changes.map(documentLine)
}

function documentLine({ selector, previousEtag, newEtag }: DocumentChange): string {
  const name = printable(selector)
  if (newEtag === undefined) return `  ${name} is gone`
  const now = printable(newEtag)
  return previousEtag === undefined ? `  ${name} is ${now}` : `  ${name} is ${now}, was ${printable(previousEtag)}`
}

/** A document that cannot be read is told, and is no reason to stop watching. */
function read<T extends object>(reader: () => T, { body }: Notification): T | string {
  if (body.length === 0) return ''
  try {
    return reader()
  } catch (error) {
    if (error instanceof XmlError || error instanceof MalformedUtAnswerError)
      return `  a document that cannot be read: ${error.message}`
    throw error
  }
}

function headline(uri: string, { state, reason, receivedAtMs }: Notification): string {
  const isUsual = state === 'active'
  const how = isUsual ? '' : ` (${printable(state)}${reason === undefined ? '' : `: ${printable(reason)}`})`
  return `${timeOfDay(receivedAtMs)} ${uri}${how}`
}

function presenceLines(summary: PidfSummary): string[] {
  const lines = summary.tuples.map(({ basic, notes, contact }) => {
    const about = [...notes.map((note) => `"${printable(note)}"`), ...(contact ? [`at ${printable(contact)}`] : [])]
    return `  ${(basic ?? 'unknown').padEnd(8)}${about.join(' ')}`.trimEnd()
  })
  if (summary.activities.length > 0) lines.push(`  doing   ${summary.activities.map(printable).join(', ')}`)
  for (const note of summary.notes) lines.push(`  note    "${printable(note)}"`)
  return lines
}

function winfoLines({ watchers }: Watcherinfo): string[] {
  if (watchers.length === 0) return ['  nobody watches']
  return watchers.map(({ uri, status, event, expirationSeconds }) => {
    const left = expirationSeconds === undefined ? '' : `, ${expirationSeconds} s left`
    return `  ${status.padEnd(11)}${printable(uri)} (${event}${left})`
  })
}

function notificationJson(uri: string, notification: Notification): Record<string, unknown> {
  const { state, reason, receivedAtMs } = notification
  return { event: 'notification', uri, state, reason, receivedAt: new Date(receivedAtMs).toISOString() }
}
