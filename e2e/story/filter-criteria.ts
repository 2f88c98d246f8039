import {
  DefaultHandling,
  type InitialFilterCriteria,
  ProfilePartIndicator,
  type ServicePointTrigger,
  SessionCase,
} from '@rollcall/proto-gen/cx'

/**
 * The filter criteria of everybody in the story: the Presence Server hears who is registered; a PUBLISH of one's own state,
 * and a SUBSCRIBE to somebody's presence, or to one's own watcher information or documents, go to it.
 *
 * @see TS 29.228 annex B.2.2 and annex F
 */
export function storyFilterCriteria(domain: string): InitialFilterCriteria[] {
  const { SESSION_CASE_ORIGINATING, SESSION_CASE_TERMINATING_REGISTERED, SESSION_CASE_TERMINATING_UNREGISTERED } =
    SessionCase
  return [
    // The session goes on without: a Presence Server that is away keeps nobody from registering.
    criteria(5, domain, [{ group: 0, trigger: { $case: 'method', value: 'REGISTER' } }], 'continued'),
    criteria(10, domain, [
      { group: 0, trigger: { $case: 'method', value: 'PUBLISH' } },
      { group: 1, trigger: event('^presence *(;.*)?$') },
      { group: 2, trigger: { $case: 'sessionCase', value: SESSION_CASE_ORIGINATING } },
    ]),
    criteria(20, domain, [
      { group: 0, trigger: { $case: 'method', value: 'SUBSCRIBE' } },
      { group: 1, trigger: event('^(presence(\\.winfo)?|xcap-diff) *(;.*)?$') },
      { group: 2, trigger: { $case: 'sessionCase', value: SESSION_CASE_TERMINATING_REGISTERED } },
      { group: 2, trigger: { $case: 'sessionCase', value: SESSION_CASE_TERMINATING_UNREGISTERED } },
    ]),
  ]
}

interface Spt {
  readonly group: number
  readonly trigger: NonNullable<ServicePointTrigger['trigger']>
}

/** OR inside a group, AND between groups. */
function criteria(
  priority: number,
  domain: string,
  spts: readonly Spt[],
  handling: 'continued' | 'terminated' = 'terminated',
): InitialFilterCriteria {
  return {
    priority,
    triggerPoint: {
      conditionTypeCnf: true,
      spt: spts.map(({ group, trigger }) => {
        return { conditionNegated: false, group: [group], trigger, registrationTypes: [] }
      }),
    },
    applicationServer: {
      serverName: `sip:presence.${domain};lr`,
      defaultHandling:
        handling === 'continued'
          ? DefaultHandling.DEFAULT_HANDLING_SESSION_CONTINUED
          : DefaultHandling.DEFAULT_HANDLING_SESSION_TERMINATED,
      serviceInfo: '',
      includeRegisterRequest: false,
      includeRegisterResponse: false,
    },
    profilePartIndicator: ProfilePartIndicator.PROFILE_PART_INDICATOR_UNSPECIFIED,
  }
}

function event(content: string): Spt['trigger'] {
  return { $case: 'sipHeader', value: { header: '^Event$', content } }
}
