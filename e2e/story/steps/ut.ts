import type { Impu } from '@rollcall/core'
import { readPidfSummary, readWatcherinfo } from '@rollcall/pidf'
import {
  type Notification,
  type Subscription,
  SubscriptionRefusedError,
  type Ue,
  XcapNotFoundError,
} from '@rollcall/ue'
import type { Cast } from '../cast.ts'
import { expect, StoryError } from '../waiting.ts'
import { bobIsTold } from './presence.ts'
import type { Step } from './step.ts'

/** A NOTIFY comes in milliseconds; this is for a machine that is busy with something else. */
const NOTIFY_MS_MAX = 10_000
const FORBIDDEN = 403

export const bootstrapStep: Step = {
  name: 'bootstrap',
  async play(cast) {
    const ut = await cast.ut('alice-phone')
    const { btid, expiresAtMs } = await ut.bootstrap()
    const minutes = Math.round((expiresAtMs - Date.now()) / 60_000)
    return {
      protection: 'akav1-md5 auth-int',
      detail: `alice's phone bootstrapped with its ISIM over Ub: a key for ${minutes} minutes, known to the BSF as …${btid.slice(btid.indexOf('@'))}.`,
    }
  },
}

export const rulesPendingStep: Step = {
  name: 'rules-pending',
  async play(cast) {
    const bob = await cast.registered('bob')
    const phone = await cast.registered('alice-phone')
    const ut = await cast.ut('alice-phone')
    await removeRules(cast)
    await cast.bobWatches?.unsubscribe()
    await ut.rules.setHandling(bob.identity, 'confirm')
    cast.aliceWinfo = await phone.subscribe({ uri: cast.alice, eventPackage: 'presence.winfo' })
    cast.bobWatches = await bob.subscribe({ uri: cast.alice })
    const told = await until(cast.bobWatches, 'bob was not told that he waits', ({ state }) => state === 'pending')
    expect(told.body.length === 0, 'who waits was told something')
    await winfoShows(cast, bob.identity, 'pending')
    return {
      protection: bob.protection ?? '',
      detail:
        'alice put rules over Ut: everybody waits for her word. bob asked to watch her and is pending; her phone was told so by winfo.',
    }
  },
}

export const rulesAllowStep: Step = {
  name: 'rules-allow',
  async play(cast) {
    const bob = await cast.registered('bob')
    const ut = await cast.ut('alice-phone')
    const { isChanged } = await ut.rules.setHandling(bob.identity, 'allow')
    expect(isChanged, 'bob was allowed already')
    await bobIsTold(cast, ['alice-phone', 'alice-tablet'])
    return {
      protection: bob.protection ?? '',
      detail: 'alice allowed bob with one element put into her rules; his NOTIFY came with the whole document.',
    }
  },
}

export const rulesPoliteBlockStep: Step = {
  name: 'rules-polite-block',
  async play(cast) {
    const bob = await cast.registered('bob')
    const ut = await cast.ut('alice-phone')
    const watched = cast.bobWatches
    expect(watched, 'bob has no subscription')
    await ut.rules.setHandling(bob.identity, 'polite-block')
    const first = await until(watched, 'bob was not told that alice is closed', isPolite)
    await cast.publish('alice-phone', { tupleId: 'phone', note: 'Please do not disturb' })
    await watched.refresh()
    const after = await next(watched, 'bob asked again and was told nothing')
    expect(isPolite(after) && isSame(first, after), 'bob saw more than closed')
    const fetched = await bob.fetch({ uri: cast.alice })
    expect(fetched.body.length > 0 && isClosed(fetched) && isSame(first, fetched), 'a fetch shows bob more than closed')
    return {
      protection: bob.protection ?? '',
      detail:
        'alice blocked bob politely: he is told that she is closed; after she changed, a refresh and a fetch tell him the very same.',
    }
  },
}

export const anonymousWatcherStep: Step = {
  name: 'anonymous-watcher',
  async play(cast) {
    const carol = await cast.registered('carol')
    const ut = await cast.ut('alice-phone')
    const winfo = cast.aliceWinfo
    expect(winfo, 'alice does not watch her watchers')
    await ut.rules.setHandling(carol.identity, 'allow')
    await isRefused(carol, cast.alice)
    // A rule for whomever, known or not, is the only one that an anonymous watcher meets.
    await ut.rules.set(FOR_EVERYBODY)
    const watched = await carol.subscribe({ uri: cast.alice, isAnonymous: true })
    await until(watched, 'carol was not let in', ({ state, body }) => state === 'active' && body.length > 0)
    const told = await until(winfo, 'alice was not told of an anonymous watcher', (one) =>
      watchersIn(one).some(({ uri, status }) => /anonymous/i.test(uri) && status === 'active'),
    )
    expect(!told.body.includes('carol'), "alice's winfo names carol")
    await watched.unsubscribe()
    const protection = carol.protection ?? ''
    await carol.deregister()
    return {
      protection,
      detail:
        "carol hid her name: alice's rule about carol let her in no more, 403; a rule for whomever did. winfo told alice of an anonymous watcher, and never of carol.",
    }
  },
}

/** Lets in whomever: it has no identity condition (RFC 4745 section 7). */
const FOR_EVERYBODY = Buffer.from(
  '<ruleset xmlns="urn:ietf:params:xml:ns:common-policy" xmlns:pr="urn:ietf:params:xml:ns:pres-rules"><rule id="whomever">' +
    '<conditions/><actions><pr:sub-handling>allow</pr:sub-handling></actions><transformations>' +
    '<pr:provide-services><pr:all-services/></pr:provide-services></transformations></rule></ruleset>\n',
)

async function isRefused(watcher: Ue, presentity: Impu): Promise<void> {
  try {
    const subscription = await watcher.subscribe({ uri: presentity, isAnonymous: true })
    subscription.end('refused')
  } catch (error) {
    if (error instanceof SubscriptionRefusedError && error.status === FORBIDDEN) return
    throw error
  }
  expect(false, 'a watcher who hides his name was let in by a rule about it')
}

/** Takes alice's rules away, so that what the operator provisioned counts again. */
async function removeRules(cast: Cast): Promise<void> {
  const ut = await cast.ut('alice-phone')
  try {
    await ut.rules.remove()
  } catch (error) {
    if (!(error instanceof XcapNotFoundError)) throw error
  }
}

async function winfoShows(cast: Cast, watcher: string, status: string): Promise<void> {
  expect(cast.aliceWinfo, 'alice does not watch her watchers')
  await until(cast.aliceWinfo, `alice was not told that ${watcher} is ${status}`, (told) =>
    watchersIn(told).some((one) => one.uri === watcher && one.status === status),
  )
}

function watchersIn({ body }: Notification): ReturnType<typeof readWatcherinfo>['watchers'] {
  return body.length === 0 ? [] : readWatcherinfo(body).watchers
}

function isPolite(notification: Notification): boolean {
  return notification.state === 'active' && notification.body.length > 0 && isClosed(notification)
}

/** Closed, and nothing else. */
function isClosed({ body }: Notification): boolean {
  const { tuples, notes, activities } = readPidfSummary(body)
  return (
    tuples.every((tuple) => tuple.basic === 'closed' && tuple.notes.length === 0) &&
    notes.length === 0 &&
    activities.length === 0
  )
}

/** The same document: as of somebody who publishes nothing at all. */
function isSame(one: Notification, other: Notification): boolean {
  return one.body.equals(other.body)
}

/** Waits for a notification; those on the way are passed over. */
async function until(
  subscription: Subscription,
  what: string,
  isIt: (notification: Notification) => boolean,
): Promise<Notification> {
  const deadlineMs = performance.now() + NOTIFY_MS_MAX
  for (;;) {
    const leftMs = deadlineMs - performance.now()
    if (leftMs <= 0) throw new StoryError(what)
    const notification = await next(subscription, what, leftMs)
    if (isIt(notification)) return notification
  }
}

async function next(subscription: Subscription, what: string, timeoutMs = NOTIFY_MS_MAX): Promise<Notification> {
  try {
    return await subscription.next(timeoutMs)
  } catch (cause) {
    throw new StoryError(what, { cause })
  }
}
