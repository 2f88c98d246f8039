import { callUnary } from '@rollcall/runtime'
import type { Invocation } from '../command/command.ts'
import { printable } from '../printable.ts'
import { protectionsOf, readName, withPresenceAdmin } from './admin-client.ts'
import { decisionJson, decisionLines, documentLines, sessionLines } from './decision-view.ts'

/** `rollcall why PRESENTITY WATCHER` */
export async function why(invocation: Invocation): Promise<void> {
  const { options, output } = invocation
  const [presentity = '', watcher = ''] = options.positionals
  const request = { presentity: readName(invocation, presentity), watcher: readName(invocation, watcher) }
  const answer = await withPresenceAdmin(invocation, (client) => callUnary(client.explain.bind(client), request))
  const { decision, sessions, document } = answer
  if (decision === undefined) return
  const protections = await protectionsOf(invocation, answer.watcher)
  const lines = [
    `what ${answer.watcher} sees of ${answer.presentity}`,
    ...decisionLines(decision),
    ...(sessions.length === 0 ? ['  watches    not now'] : sessions.flatMap(sessionLines)),
    ...protections.map(
      ({ impi, protection }) => `  UE         ${printable(impi)}, authenticated by AKA, in ${protection}`,
    ),
    ...documentLines(document),
  ]
  output.tell(lines.join('\n'), {
    event: 'explained',
    presentity: answer.presentity,
    watcher: answer.watcher,
    decision: decisionJson(decision),
    sessions: sessions.map(({ sinceMs, ...session }) => ({
      ...session,
      since: sinceMs === 0n ? undefined : new Date(Number(sinceMs)).toISOString(),
    })),
    protections,
    document: document.toString('utf8'),
  })
}
