import { readPidfSummary } from '@rollcall/pidf'
import type { Notification } from '@rollcall/ue'
import { SubscriptionEndedError } from '@rollcall/ue'
import type { Cast, PublishedState } from '../cast.ts'
import type { UeName } from '../people.ts'
import { expect, StoryError } from '../waiting.ts'
import { establishedOf, newestSetAtPcscf } from './registrations.ts'
import type { Step } from './step.ts'

/** A NOTIFY comes in milliseconds; this is for a machine that is busy with something else. */
const NOTIFY_MS_MAX = 10_000

export const publishStep: Step = {
  name: 'publish',
  async play(cast) {
    await cast.publish('alice-phone', { tupleId: 'phone', note: 'At my desk' })
    await expectPublicationAtServer(cast, 'alice-phone')
    const phone = await cast.ue('alice-phone')
    return {
      protection: phone.protection ?? '',
      detail: 'alice\'s phone published open, "At my desk"; the Presence Server had it on disk before it said 200.',
    }
  },
}

export const subscribeStep: Step = {
  name: 'subscribe',
  async play(cast) {
    const bob = await cast.registered('bob')
    // A run that was cut off may have left rules.
    if (cast.stack.ut) await cast.removeRules()
    const startMs = Date.now()
    cast.bobWatches = await bob.subscribe({ uri: cast.alice })
    cast.subscribed = { startMs, endMs: Date.now() }
    return {
      protection: bob.protection ?? '',
      detail: "bob subscribed to alice's presence; her policy lets him.",
    }
  },
}

export const notifyStep: Step = {
  name: 'notify',
  async play(cast) {
    await bobIsTold(cast, ['alice-phone'])
    const bob = await cast.ue('bob')
    return { protection: bob.protection ?? '', detail: 'bob was notified: alice is open, "At my desk".' }
  },
}

export const publishSecondStep: Step = {
  name: 'publish-second',
  async play(cast) {
    const startMs = Date.now()
    await cast.publish('alice-tablet', { tupleId: 'tablet', note: 'On the train', activities: ['in-transit'] })
    cast.secondPublished = { startMs, endMs: Date.now() }
    await expectPublicationAtServer(cast, 'alice-tablet')
    const tablet = await cast.ue('alice-tablet')
    return {
      protection: tablet.protection ?? '',
      detail: 'alice\'s tablet published open, "On the train", in transit: a second terminal of one presentity.',
    }
  },
}

export const notifyComposedStep: Step = {
  name: 'notify-composed',
  async play(cast) {
    const notification = await bobIsTold(cast, ['alice-phone', 'alice-tablet'])
    const { activities } = readPidfSummary(notification.body)
    expect(activities.includes('in-transit'), 'the composed document has lost what alice does')
    const bob = await cast.ue('bob')
    return {
      protection: bob.protection ?? '',
      detail: "bob was notified of both of alice's terminals in one document.",
    }
  },
}

export const notifyAfterReregisterStep: Step = {
  name: 'notify-after-reregister',
  async play(cast) {
    const bob = await cast.registered('bob')
    await cast.publish('alice-phone', { tupleId: 'phone', note: 'Back in ten minutes' })
    const { setId } = await bobIsTold(cast, ['alice-phone', 'alice-tablet'])
    const newest = establishedOf(bob)
    expect(setId === newest.id, `the NOTIFY came in SA set ${setId}, the newest is ${newest.id}`)
    await newestSetAtPcscf(cast.stack, bob)
    return {
      protection: bob.protection ?? '',
      detail:
        "alice's phone published once more; the NOTIFY came to bob in his newest SAs, the dialog being older than they.",
    }
  },
}

/** Waits for the NOTIFY that shows what these terminals published last; older states on the way are passed over. */
export async function bobIsTold(cast: Cast, terminals: readonly UeName[]): Promise<Notification> {
  const subscription = cast.bobWatches
  expect(subscription, 'bob has no subscription')
  const wanted = terminals.map((name) => cast.published.get(name)).filter((state) => state !== undefined)
  const deadlineMs = performance.now() + NOTIFY_MS_MAX
  for (;;) {
    const leftMs = deadlineMs - performance.now()
    if (leftMs <= 0) throw new StoryError(`bob was not told what ${terminals.join(' and ')} published`)
    const notification = await next(subscription, leftMs)
    if (notification.state === 'active' && shows(notification, wanted)) return notification
  }
}

async function next(subscription: NonNullable<Cast['bobWatches']>, timeoutMs: number): Promise<Notification> {
  try {
    return await subscription.next(timeoutMs)
  } catch (error) {
    const why = error instanceof SubscriptionEndedError ? `ended (${error.reason})` : 'brought no NOTIFY in time'
    throw new StoryError(`bob's subscription ${why}`, { cause: error })
  }
}

function shows({ body }: Notification, wanted: readonly PublishedState[]): boolean {
  if (body.length === 0) return false
  const { tuples } = readPidfSummary(body)
  return wanted.every(({ note, timestamp }) =>
    tuples.some((tuple) => tuple.basic === 'open' && tuple.timestamp === timestamp && tuple.notes.includes(note)),
  )
}

async function expectPublicationAtServer(cast: Cast, name: UeName): Promise<void> {
  const { publications } = await cast.stack.admin.getPresentity(cast.alice)
  const tag = cast.publications.get(name)?.entityTag
  expect(
    publications.some(({ entityTag }) => entityTag === tag),
    `the Presence Server does not have what ${name} published`,
  )
}
