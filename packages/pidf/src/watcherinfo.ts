import { escapeAttribute, escapeText, XmlScanner } from '@rollcall/xml'
import { XML_DECLARATION } from './compose-pidf.ts'
import { NOTIFIED_LIMITS } from './limits.ts'
import { WATCHERINFO } from './namespaces.ts'

/** RFC 3858 section 4: where a watcher's subscription stands. */
export type WatcherStatus = 'pending' | 'active' | 'waiting' | 'terminated'

/** RFC 3857 section 4.7.1: what brought it there. */
export type WatcherEvent =
  | 'subscribe'
  | 'approved'
  | 'deactivated'
  | 'probation'
  | 'rejected'
  | 'timeout'
  | 'giveup'
  | 'noresource'

/** One watcher's subscription. */
export interface Watcher {
  /** The same in each document for one subscription. */
  readonly id: string
  readonly uri: string
  readonly status: WatcherStatus
  readonly event: WatcherEvent
  readonly expirationSeconds?: number
  readonly durationSubscribedSeconds?: number
}

/** The state of all subscriptions to one package of one resource. */
export interface Watcherinfo {
  /** Grows by one with each NOTIFY of one subscription, from 0. */
  readonly version: number
  readonly state: 'full' | 'partial'
  readonly resource: string
  readonly eventPackage: string
  readonly watchers: readonly Watcher[]
}

/**
 * Writes a watcher information document with one list.
 *
 * @see RFC 3858 section 4
 */
export function writeWatcherinfo(info: Watcherinfo): Buffer {
  let text =
    `${XML_DECLARATION}<watcherinfo xmlns="${WATCHERINFO}" version="${info.version}" state="${info.state}">` +
    `<watcher-list resource="${escapeAttribute(info.resource)}" package="${escapeAttribute(info.eventPackage)}">`
  for (const watcher of info.watchers) text += watcherText(watcher)
  return Buffer.from(`${text}</watcher-list></watcherinfo>`)
}

function watcherText(watcher: Watcher): string {
  const { id, uri, status, event, expirationSeconds, durationSubscribedSeconds } = watcher
  let text = `<watcher id="${escapeAttribute(id)}" status="${status}" event="${event}"`
  if (expirationSeconds !== undefined) text += ` expiration="${expirationSeconds}"`
  if (durationSubscribedSeconds !== undefined) text += ` duration-subscribed="${durationSubscribedSeconds}"`
  return `${text}>${escapeText(uri)}</watcher>`
}

/**
 * Reads a watcher information document; of several lists, the watchers of all.
 *
 * @throws XmlError
 * @see RFC 3858 section 4
 */
export function readWatcherinfo(bytes: Buffer): Watcherinfo {
  const xml: XmlScanner = new XmlScanner(bytes, NOTIFIED_LIMITS)
  xml.next()
  const version = xml.attribute('version')?.trim() ?? ''
  const state = xml.attribute('state')
  if (xml.namespace !== WATCHERINFO || xml.localName !== 'watcherinfo') {
    xml.fail('XML_STRUCTURE', 'the root is not watcherinfo', xml.start)
  }
  if (!/^\d{1,10}$/.test(version) || (state !== 'full' && state !== 'partial')) {
    xml.fail('XML_STRUCTURE', 'watcherinfo without version and state', xml.start)
  }
  const watchers: Watcher[] = []
  let list: { readonly resource: string; readonly eventPackage: string } | undefined
  for (let token = xml.next(); token !== 'eof'; token = xml.next()) {
    if (token !== 'start' || xml.namespace !== WATCHERINFO) continue
    switch (`${xml.depth} ${xml.localName}`) {
      case '2 watcher-list':
        list ??= { resource: xml.attribute('resource') ?? '', eventPackage: xml.attribute('package') ?? '' }
        break
      case '3 watcher':
        watchers.push(readWatcher(xml))
        break
    }
  }
  const { resource, eventPackage } = list ?? { resource: '', eventPackage: '' }
  return { version: Number(version), state, resource, eventPackage, watchers }
}

function readWatcher(xml: XmlScanner): Watcher {
  const { start } = xml
  const id = xml.attribute('id')
  const status = STATUSES.find((word) => word === xml.attribute('status'))
  const event = EVENTS.find((word) => word === xml.attribute('event'))
  const expirationSeconds = seconds(xml.attribute('expiration'))
  const durationSubscribedSeconds = seconds(xml.attribute('duration-subscribed'))
  if (!id || !status || !event) xml.fail('XML_STRUCTURE', 'a watcher has id, status and event', start)
  return {
    id,
    uri: xml.readTextContent().trim(),
    status,
    event,
    ...(expirationSeconds === undefined ? {} : { expirationSeconds }),
    ...(durationSubscribedSeconds === undefined ? {} : { durationSubscribedSeconds }),
  }
}

function seconds(text: string | undefined): number | undefined {
  return text !== undefined && /^\d{1,15}$/.test(text.trim()) ? Number(text) : undefined
}

const STATUSES: readonly WatcherStatus[] = ['pending', 'active', 'waiting', 'terminated']
const EVENTS: readonly WatcherEvent[] = [
  'subscribe',
  'approved',
  'deactivated',
  'probation',
  'rejected',
  'timeout',
  'giveup',
  'noresource',
]
