import type { Invocation } from '../command/command.ts'
import { follow } from './live.ts'
import { viewPresence } from './presence-view.ts'
import { checkUri, readUri, withUe } from './session.ts'

/** `rollcall ue watch URI` */
export async function watch(invocation: Invocation): Promise<void> {
  const { options, output } = invocation
  const [who = ''] = options.positionals
  checkUri(who)
  const expiresSeconds = options.whole('expires')
  await withUe(invocation, { stays: true }, async (session) => {
    const uri = readUri(who, session.credentials.domain)
    output.remark(`watching ${uri}; Ctrl-C ends it`)
    await follow(invocation, session, {
      uri,
      eventPackage: 'presence',
      view: viewPresence,
      ...(expiresSeconds === undefined ? {} : { expiresSeconds }),
    })
  })
}
