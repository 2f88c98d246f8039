import { type Impu, seededRandom, VirtualClock } from '@rollcall/core'
import {
  DefaultHandling,
  type InitialFilterCriteria,
  ProfilePartIndicator,
  type RegistrationType,
  type ServiceProfile,
} from '@rollcall/proto-gen/cx'
import { createResponse } from '@rollcall/sip'
import { compileProfile } from '../../ifc/filter-criteria.ts'
import type { RecentEnd } from '../../registrations/recent-ends.ts'
import { type Contact, contactKey, type RegistrationSet } from '../../registrations/registration.ts'
import type { NetworkEnd } from '../../registrations/registrations.ts'
import type { ForwardOutcome, ForwardRequest } from '../../sip/forwarder.ts'
import { ALICE, ALICE_PROFILE, PHONE, PRESENCE_HOST, REALM, SCSCF_HOST, TABLET } from '../../testing/fixtures.ts'
import { ThirdPartyRegistrations } from '../third-party-registrations.ts'

/** A third-party REGISTER that was sent. */
export interface SentRegister extends ForwardRequest {
  readonly host: string
  readonly expires: string | undefined
  readonly on: (outcome: ForwardOutcome) => void
  answer(status: number): void
}

/** A criterion on REGISTER. */
export function onRegister(
  o: {
    readonly host?: string
    readonly priority?: number
    readonly isTerminated?: boolean
    readonly types?: RegistrationType[]
  } = {},
): InitialFilterCriteria {
  const { DEFAULT_HANDLING_SESSION_CONTINUED, DEFAULT_HANDLING_SESSION_TERMINATED } = DefaultHandling
  return {
    priority: o.priority ?? 5,
    triggerPoint: {
      conditionTypeCnf: true,
      spt: [
        {
          conditionNegated: false,
          group: [0],
          trigger: { $case: 'method', value: 'REGISTER' },
          registrationTypes: o.types ?? [],
        },
      ],
    },
    applicationServer: {
      serverName: `sip:${o.host ?? PRESENCE_HOST};lr`,
      defaultHandling: o.isTerminated ? DEFAULT_HANDLING_SESSION_TERMINATED : DEFAULT_HANDLING_SESSION_CONTINUED,
      serviceInfo: '',
      includeRegisterRequest: false,
      includeRegisterResponse: false,
    },
    profilePartIndicator: ProfilePartIndicator.PROFILE_PART_INDICATOR_UNSPECIFIED,
  }
}

/** alice's phone or tablet, bound for an hour unless told otherwise. */
export function boundContact(o: { nowMs: number; isTablet?: boolean; seconds?: number }): Contact {
  const impi = o.isTablet ? TABLET : PHONE
  return {
    impi,
    instance: o.isTablet ? 'tablet' : 'phone',
    uri: `sip:alice@127.0.1.${o.isTablet ? 2 : 1}:15066`,
    value: '<sip:alice@127.0.1.1:15066>',
    state: 'registered',
    path: [],
    registeredImpu: ALICE,
    callId: 'c',
    cseq: 1,
    expiresAtMs: o.nowMs + (o.seconds ?? 3_600) * 1_000,
    sourceAddress: '127.0.1.1',
  }
}

/** The third-party registrations of one partition, with registrar, network and application servers played by the test. */
export class ThirdPartyHarness {
  readonly clock = new VirtualClock()
  readonly sent: SentRegister[] = []
  readonly told: string[] = []
  readonly terminated: NetworkEnd[] = []
  readonly sets = new Map<Impu, RegistrationSet>()
  ends: RecentEnd[] = []
  isLive = true
  readonly thirdParty = new ThirdPartyRegistrations({
    clock: this.clock,
    random: seededRandom('third-party'),
    realm: REALM,
    host: SCSCF_HOST,
    forwarder: {
      trusts: () => true,
      send: (host, forward, on) => {
        const expires = forward.request.headers.get('Expires')
        const answer = (status: number): void =>
          on({ kind: 'response', response: createResponse(forward.request, status) })
        this.sent.push({ ...forward, host, expires, on, answer })
      },
    },
    registrations: () => ({
      sets: [...this.sets.values()],
      get: (canonicalImpu) => this.sets.get(canonicalImpu),
      recentEnds: () => this.ends,
      end: async (_canonicalImpu, end) => void this.terminated.push(end),
    }),
    isLive: () => this.isLive,
    events: {
      thirdPartyTold: (outcome) => this.told.push(outcome),
      thirdPartyTerminated: () => this.told.push('terminated'),
    },
  })

  /** alice's set with these contacts. */
  set(contacts: readonly Contact[], ...criteria: InitialFilterCriteria[]): RegistrationSet {
    const profile: ServiceProfile = {
      ...ALICE_PROFILE,
      initialFilterCriteria: criteria.length > 0 ? criteria : [onRegister()],
    }
    const set = {
      canonicalImpu: ALICE,
      profile,
      criteria: compileProfile(profile),
      contacts: new Map(contacts.map((contact) => [contactKey(contact), contact])),
    }
    if (contacts.length > 0) this.sets.set(ALICE, set)
    else this.sets.delete(ALICE)
    return set
  }

  contact(o: { isTablet?: boolean; seconds?: number } = {}): Contact {
    return boundContact({ nowMs: this.clock.now(), ...o })
  }

  get last(): SentRegister {
    const last = this.sent.at(-1)
    if (!last) throw new Error('nothing was sent')
    return last
  }

  /** Of each REGISTER in order. */
  get expires(): (string | undefined)[] {
    return this.sent.map(({ expires }) => expires)
  }
}
