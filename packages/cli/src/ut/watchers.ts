import { readWatcherinfo, type Watcherinfo } from '@rollcall/pidf'
import type { Notification } from '@rollcall/ue'
import { XmlError } from '@rollcall/xml'
import type { Invocation } from '../command/command.ts'
import { printable } from '../printable.ts'
import { follow } from '../ue/live.ts'
import { type NotificationView, viewWinfo } from '../ue/presence-view.ts'
import { withUe } from '../ue/session.ts'

/** Whoever asked and got no word yet (RFC 3857 section 4.7.1). */
const WAITS = new Set(['pending', 'waiting'])

/** `rollcall ue watchers` */
export async function watchers(invocation: Invocation): Promise<void> {
  const { options, output } = invocation
  const isLive = options.flag('live')
  await withUe(invocation, { stays: isLive }, async (session) => {
    const uri = session.ue.identity
    if (isLive) {
      await follow(invocation, session, { uri, eventPackage: 'presence.winfo', view: viewWatchers })
      return
    }
    const view = viewWatchers(uri, await session.ue.fetch({ uri, eventPackage: 'presence.winfo' }))
    output.tell(view.text, view.json)
  })
}

/** Two lists: who watches, and who waits. */
export function viewWatchers(uri: string, notification: Notification): NotificationView {
  const all = viewWinfo(uri, notification)
  const info = readable(notification)
  if (info === undefined) return all
  const waiting = info.watchers.filter(({ status }) => WAITS.has(status))
  const watching = info.watchers.filter(({ status }) => status === 'active')
  const list = (some: Watcherinfo['watchers'], line: (uri: string) => string): string[] =>
    some.map((watcher) => line(printable(watcher.uri)))
  const lines = [
    watching.length === 0 ? '  nobody watches' : '  these watch:',
    ...list(watching, (who) => `    ${who}`),
    ...(waiting.length === 0 ? [] : ['  these wait for your word (rollcall ue rules allow|block|polite-block URI):']),
    ...list(waiting, (who) => `    ${who}`),
  ]
  return { text: [all.text.split('\n')[0], ...lines].join('\n'), json: all.json }
}

function readable({ body, watchers }: Notification): Watcherinfo | undefined {
  if (watchers) return watchers
  if (body.length === 0) return undefined
  try {
    return readWatcherinfo(body)
  } catch (error) {
    if (error instanceof XmlError) return undefined
    throw error
  }
}
