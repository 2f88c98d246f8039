import { watchDocuments } from '@rollcall/ue'
import type { Invocation } from '../command/command.ts'
import { follow } from '../ue/live.ts'
import { viewDocuments } from '../ue/presence-view.ts'
import { withUe } from '../ue/session.ts'
import { readSelector } from './xcap.ts'

/** `rollcall ue xcap watch [SELECTOR ...]` */
export async function xcapWatch(invocation: Invocation): Promise<void> {
  const { positionals } = invocation.options
  await withUe(invocation, { stays: true }, async (session) => {
    const { identity } = session.ue
    const selectors = positionals.map((text) => readSelector(text, identity))
    await follow(invocation, session, { ...watchDocuments(identity, selectors), view: viewDocuments })
  })
}
