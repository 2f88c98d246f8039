import type { Cast } from '../cast.ts'
import { expect, waitFor } from '../waiting.ts'
import { onlyNewestSetAtPcscf } from './registrations.ts'
import type { Step } from './step.ts'

/** With the T1 of a real network the old sets live for minutes, and the story does not wait for them. */
const OLD_SETS_MS_MAX = 20_000
/** From the end of a set to the look at it. */
const MARGIN_MS = 5_000

export const deregisterStep: Step = {
  name: 'deregister',
  async play(cast) {
    const bob = await cast.registered('bob')
    const protection = bob.protection ?? ''
    const graceMs = 64 * cast.stack.timers.t1Ms
    const isQuick = graceMs <= OLD_SETS_MS_MAX
    if (isQuick) await onlyNewestSetAtPcscf(cast, bob, graceMs + MARGIN_MS)
    await cast.bobWatches?.unsubscribe()
    for (const publication of cast.publications.values()) await publication.remove()
    const mallory = await cast.ue('mallory')
    expect(mallory.receivedNotifies === 0, 'mallory got a NOTIFY')
    const everybody = cast.registeredNow()
    for (const [, ue] of everybody) await ue.deregister()
    await nothingIsLeft(
      cast,
      everybody.map(([, ue]) => ue.impi),
    )
    const old = isQuick ? "bob's old SA sets were gone after their time; " : ''
    return {
      protection,
      detail: `${old}bob unsubscribed, alice took her state back, all de-registered, and no node holds anything of theirs.`,
    }
  },
}

async function nothingIsLeft(cast: Cast, impis: readonly string[]): Promise<void> {
  const { admin } = cast.stack
  await waitFor('registrations, contacts and subscriptions of the story end', async () => {
    const contacts = await admin.listContacts()
    const registrations = await admin.listRegistrations()
    const isRegistered = [...contacts, ...registrations].some(({ impi }) => impis.includes(impi))
    return isRegistered ? undefined : true
  })
  const { publications, subscriptions } = await admin.getPresentity(cast.alice)
  const tags = [...cast.publications.values()].map(({ entityTag }) => entityTag)
  expect(!publications.some(({ entityTag }) => tags.includes(entityTag)), "alice's state is still published")
  const callId = cast.bobWatches?.names.callId
  expect(!subscriptions.some((subscription) => subscription.callId === callId), 'bob still watches')
}
