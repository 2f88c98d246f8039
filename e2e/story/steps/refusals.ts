import { writePidf } from '@rollcall/pidf'
import type { GetPresentityResponse } from '@rollcall/proto-gen/admin'
import { type EventPackage, SubscriptionRefusedError, type Ue } from '@rollcall/ue'
import { registerWithWrongRes, requestInAnothersName, sendForgedSubscribe, sendOctets } from '@rollcall/ue/adversary'
import type { Cast } from '../cast.ts'
import { countsRefusal, REFUSAL_COUNTERS } from '../counters.ts'
import { expect } from '../waiting.ts'
import { impuOf } from '../world.ts'
import type { Step } from './step.ts'

/** Who waits for an answer that must not come. */
const SILENCE_MS = 200
/** Who waits for one that must. */
const ANSWER_MS_MAX = 5_000
/** Where an ESP packet has its sequence number: behind the SPI. */
const SEQUENCE_AT = 4

export const forgedSubscribeStep: Step = {
  name: 'refuse-forged-subscribe',
  async play(cast) {
    const { stack } = cast
    const bob = await cast.registered('bob')
    // bob says something, so that there is a packet of his to overhear.
    await bob.checkAlive()
    const unharmed = await watches(cast)
    const dropped = await countsRefusal(stack, REFUSAL_COUNTERS.onProtectedPort)
    const refused = await countsRefusal(stack, REFUSAL_COUNTERS.unprotectedRequest)
    const tampered = await countsRefusal(stack, REFUSAL_COUNTERS.tamperedPacket)
    const { pcscf, encapsulation } = stack.world.credentials.bob
    const forged = { fromAddress: stack.attackerAddress, presentity: cast.alice, claimed: bob.identity }

    const toProtected = { address: pcscf.address, port: stack.portPs }
    const silence = await sendForgedSubscribe({ ...forged, to: toProtected, waitMs: SILENCE_MS })
    expect(silence === undefined, `the protected port answered ${silence?.status}`)
    await dropped()
    const answer = await sendForgedSubscribe({ ...forged, to: pcscf, waitMs: ANSWER_MS_MAX })
    expect(answer?.status === 403, `the unprotected port answered ${answer?.status ?? 'nothing'}`)
    await refused()
    const octets = withNextSequence(cast.overheard('bob'))
    await sendOctets({ fromAddress: stack.attackerAddress, to: encapsulation, octets })
    await tampered()
    await unharmed()
    return {
      protection: bob.protection ?? '',
      detail:
        "a SUBSCRIBE forged in bob's name outside of his SAs was dropped at the protected port and got 403 at the other one; " +
        'a packet of his, overheard and numbered anew, was dropped.',
    }
  },
}

export const foreignPublishStep: Step = {
  name: 'refuse-foreign-publish',
  async play(cast) {
    const mallory = await cast.registered('mallory')
    const unharmed = await publications(cast)
    const counted = await countsRefusal(cast.stack, REFUSAL_COUNTERS.foreignPublish)
    const octets = writePidf({ entity: cast.alice, tupleId: 'fake', basic: 'closed', note: 'Gone for good' })
    const answer = await requestInAnothersName(mallory, {
      method: 'PUBLISH',
      uri: cast.alice,
      claimed: cast.alice,
      eventPackage: 'presence',
      body: { contentType: 'application/pidf+xml', octets },
    })
    expect(answer.status === 403, `mallory's PUBLISH for alice was answered ${answer.status}`)
    await counted()
    await unharmed()
    return {
      protection: mallory.protection ?? '',
      detail:
        "mallory, a subscriber like any other, published in alice's name from SAs of her own: 403, and alice's state stands.",
    }
  },
}

export const foreignWinfoStep: Step = {
  name: 'refuse-foreign-winfo',
  async play(cast) {
    const mallory = await cast.registered('mallory')
    const unharmed = await watches(cast)
    const counted = await countsRefusal(cast.stack, REFUSAL_COUNTERS.foreignWinfo)
    const blocked = await countsRefusal(cast.stack, REFUSAL_COUNTERS.blockedWatcher)
    await isRefused(mallory, cast, 'presence.winfo')
    await counted()
    await isRefused(mallory, cast, 'presence')
    await blocked()
    await unharmed()
    expect(mallory.receivedNotifies === 0, 'mallory got a NOTIFY')
    return {
      protection: mallory.protection ?? '',
      detail:
        "mallory asked who watches alice: 403. She asked for alice's presence, whose policy blocks her: 403. No NOTIFY came.",
    }
  },
}

export const wrongResStep: Step = {
  name: 'refuse-wrong-res',
  async play(cast) {
    const carol = await cast.ue('carol')
    const bob = await cast.registered('bob')
    const counted = await countsRefusal(cast.stack, REFUSAL_COUNTERS.wrongRes)
    const answer = await registerWithWrongRes(carol)
    expect(answer?.status === 403, `a wrong RES was answered ${answer?.status ?? 'with 200'}`)
    await counted()
    const registrations = await cast.stack.admin.listRegistrations()
    expect(!registrations.some(({ impi }) => impi === carol.impi), 'a wrong RES has registered carol')
    await carol.register()
    await bob.checkAlive()
    const { protection } = carol
    await carol.deregister()
    return {
      protection: protection ?? '',
      detail:
        'carol answered the challenge inside good ESP with a RES that is wrong in one bit: 403, and she was not registered; with the right one she was.',
    }
  },
}

export const replayStep: Step = {
  name: 'refuse-replay',
  async play(cast) {
    const { stack } = cast
    const phone = await cast.registered('alice-phone')
    await cast.publications.get('alice-phone')?.refresh()
    const unharmed = await publications(cast)
    const counted = await countsRefusal(stack, REFUSAL_COUNTERS.replayedPacket)
    const { encapsulation } = stack.world.credentials['alice-phone']
    const octets = cast.overheard('alice-phone')
    await sendOctets({ fromAddress: stack.attackerAddress, to: encapsulation, octets })
    await counted()
    await unharmed()
    await phone.checkAlive()
    return {
      protection: phone.protection ?? '',
      detail:
        "the packet with alice's last PUBLISH, sent again octet for octet, was dropped as a replay; her state stands, and her phone goes on.",
    }
  },
}

async function isRefused(mallory: Ue, cast: Cast, eventPackage: EventPackage): Promise<void> {
  try {
    const subscription = await mallory.subscribe({ uri: cast.alice, eventPackage })
    subscription.end('refused')
  } catch (error) {
    if (error instanceof SubscriptionRefusedError && error.status === 403) return
    throw error
  }
  expect(false, `mallory may subscribe to alice's ${eventPackage}`)
}

/** Gives what checks later that alice's publications are the same as now. */
async function publications(cast: Cast): Promise<() => Promise<void>> {
  const tags = (presentity: GetPresentityResponse): string =>
    presentity.publications
      .map(({ entityTag }) => entityTag)
      .sort()
      .join()
  return await sameLater(cast, tags, "alice's publications have changed")
}

/** Gives what checks later that alice has the same watchers as now, bob among them. */
async function watches(cast: Cast): Promise<() => Promise<void>> {
  const dialogs = (presentity: GetPresentityResponse): string =>
    presentity.subscriptions
      .map(({ watcher, eventPackage, callId }) => `${watcher} ${eventPackage} ${callId}`)
      .sort()
      .join('\n')
  const before = dialogs(await cast.stack.admin.getPresentity(cast.alice))
  expect(before.includes(impuOf('bob', cast.stack.world.domain)), 'bob does not watch alice any more')
  return await sameLater(cast, dialogs, "alice's watchers have changed")
}

async function sameLater(
  cast: Cast,
  view: (presentity: GetPresentityResponse) => string,
  what: string,
): Promise<() => Promise<void>> {
  const look = async (): Promise<string> => view(await cast.stack.admin.getPresentity(cast.alice))
  const before = await look()
  return async () => expect((await look()) === before, what)
}

/** An overheard packet made to look new: without the keys nobody can sign it again (RFC 4303 section 2.2). */
function withNextSequence(packet: Buffer): Buffer {
  const octets = Buffer.from(packet)
  octets.writeUInt32BE(octets.readUInt32BE(SEQUENCE_AT) + 1, SEQUENCE_AT)
  return octets
}
