import type { Invocation } from '../command/command.ts'
import { follow } from './live.ts'
import { viewWinfo } from './presence-view.ts'
import { checkUri, readUri, withUe } from './session.ts'

/** `rollcall ue winfo [URI]` */
export async function winfo(invocation: Invocation): Promise<void> {
  const { options, output } = invocation
  const isLive = options.flag('live')
  const [who] = options.positionals
  if (who !== undefined) checkUri(who)
  await withUe(invocation, { stays: isLive }, async (session) => {
    const uri = who === undefined ? session.ue.identity : readUri(who, session.credentials.domain)
    if (isLive) {
      await follow(invocation, session, { uri, eventPackage: 'presence.winfo', view: viewWinfo })
      return
    }
    const view = viewWinfo(uri, await session.ue.fetch({ uri, eventPackage: 'presence.winfo' }))
    output.tell(view.text, view.json)
  })
}
