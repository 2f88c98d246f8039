import type { Invocation } from '../command/command.ts'
import { viewPresence } from './presence-view.ts'
import { checkUri, readUri, withUe } from './session.ts'
import { watcherOf } from './watcher.ts'

/** `rollcall ue fetch URI` */
export async function fetchPresence(invocation: Invocation): Promise<void> {
  const { options, output } = invocation
  const [who = ''] = options.positionals
  checkUri(who)
  await withUe(invocation, { stays: false }, async ({ ue, credentials }) => {
    const uri = readUri(who, credentials.domain)
    const watcher = await watcherOf(invocation, credentials)
    const { text, json } = viewPresence(uri, await ue.fetch({ uri, ...watcher }))
    output.tell(text, json)
  })
}
