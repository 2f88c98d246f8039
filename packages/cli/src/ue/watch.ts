import type { Invocation } from '../command/command.ts'
import { follow } from './live.ts'
import { viewPresence } from './presence-view.ts'
import { checkUri, readUri, withUe } from './session.ts'
import { watcherOf } from './watcher.ts'

/** `rollcall ue watch URI` */
export async function watch(invocation: Invocation): Promise<void> {
  const { options, output } = invocation
  const [who = ''] = options.positionals
  checkUri(who)
  const expiresSeconds = options.whole('expires')
  await withUe(invocation, { stays: true }, async (session) => {
    const { credentials } = session
    const uri = readUri(who, credentials.domain)
    const watcher = await watcherOf(invocation, credentials)
    output.remark(`watching ${uri}; Ctrl-C ends it`)
    await follow(invocation, session, {
      uri,
      eventPackage: 'presence',
      view: viewPresence,
      ...watcher,
      ...(expiresSeconds === undefined ? {} : { expiresSeconds }),
    })
  })
}
