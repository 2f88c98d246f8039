import { type Impu, Secret, systemRandom } from '@rollcall/core'
import { readPidfSummary, readWatcherinfo } from '@rollcall/pidf'
import {
  type Notification,
  readXcapDiff,
  type Subscription,
  SubscriptionRefusedError,
  type Ue,
  userDocument,
  watchDocuments,
} from '@rollcall/ue'
import type { Cast } from '../cast.ts'
import { expect, StoryError } from '../waiting.ts'
import { bobIsTold } from './presence.ts'
import type { Step } from './step.ts'

/** A NOTIFY comes in milliseconds; this is for a machine that is busy with something else. */
const NOTIFY_MS_MAX = 10_000
const UNAUTHORIZED = 401
const PASSWORD_OCTETS = 18

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
    await cast.removeRules()
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

export const xcapDiffStep: Step = {
  name: 'xcap-diff',
  async play(cast) {
    const tablet = await cast.registered('alice-tablet')
    const bob = await cast.registered('bob')
    const ut = await cast.ut('alice-phone')
    const document = userDocument('pres-rules', cast.alice, 'index')
    const watched = await tablet.subscribe(watchDocuments(cast.alice, [document]))
    const first = await next(watched, 'the tablet was not told which documents there are')
    const before = etagIn(first)
    expect(before, 'the tablet was told of no rules')
    const { etag } = await ut.rules.setHandling(bob.identity, 'allow')
    // Each change goes on from the one that was told before it.
    for (let known: string | undefined = before; known !== etag; ) {
      const changes = readXcapDiff((await next(watched, 'the tablet was not told that the rules changed')).body)
      for (const { previousEtag, newEtag } of changes) {
        expect(previousEtag === known, 'the tablet was told of a change of something else than it knew')
        known = newEtag
      }
    }
    await watched.unsubscribe()
    return {
      protection: tablet.protection ?? '',
      detail: `alice's phone allowed bob again; her tablet was told by xcap-diff: ${before} became ${etag}.`,
    }
  },
}

/** What the rules are now, as a notification of documents says. */
function etagIn({ body }: Notification): string | undefined {
  return readXcapDiff(body).find(({ selector }) => selector.startsWith('pres-rules/'))?.newEtag
}

export const anonymousWatcherStep: Step = {
  name: 'anonymous-watcher',
  async play(cast) {
    const carol = await cast.registered('carol')
    const ut = await cast.ut('alice-phone')
    const winfo = cast.aliceWinfo
    expect(winfo, 'alice does not watch her watchers')
    const operator = cast.stack.ut
    expect(operator, 'nobody can give carol a password')
    await ut.rules.setHandling(carol.identity, 'allow')
    await isChallenged(carol, cast.alice)
    const { domain: realm, credentials } = cast.stack.world
    const { impi } = credentials.carol
    const password = systemRandom.bytes(PASSWORD_OCTETS).toString('base64url')
    await operator.setDigestPassword({ impi, realm, password })
    const user = { username: impi, realm, password: new Secret(Buffer.from(password)) }
    const watched = await carol.subscribe({ uri: cast.alice, isAnonymous: true, user })
    await until(watched, 'carol was not let in', ({ state, body }) => state === 'active' && body.length > 0)
    const told = await until(winfo, 'alice was not told of an anonymous watcher', (one) =>
      watchersIn(one).some(({ uri, status }) => /anonymous/i.test(uri) && status === 'active'),
    )
    expect(!told.body.includes('carol'), "alice's winfo names carol")
    await watched.unsubscribe()
    await operator.setDigestPassword({ impi, realm, password: '' })
    const protection = carol.protection ?? ''
    await carol.deregister()
    return {
      protection,
      detail:
        "carol hid her name and was challenged; she answered with her password, and alice's rule about carol let her in. winfo told alice of an anonymous watcher, and never of carol.",
    }
  },
}

/** Who hides, and has no password, hears nothing but the challenge. */
async function isChallenged(watcher: Ue, presentity: Impu): Promise<void> {
  try {
    const subscription = await watcher.subscribe({ uri: presentity, isAnonymous: true })
    subscription.end('refused')
  } catch (error) {
    if (error instanceof SubscriptionRefusedError && error.status === UNAUTHORIZED) return
    throw error
  }
  expect(false, 'a watcher who hides his name was let in by a rule about it')
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
