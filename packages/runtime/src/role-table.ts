import type { Role } from './roles.ts'

/**
 * Which role may call which rpc (decision 004). An rpc that is not named here is refused, whoever calls; a test reads
 * every service of `proto/` and asks for its line.
 */
export const RPC_ROLES: Readonly<Record<string, readonly Role[]>> = {
  '/rollcall.cx.v1.CxService/UserAuthorization': ['scscf'],
  '/rollcall.cx.v1.CxService/MultimediaAuth': ['scscf'],
  '/rollcall.cx.v1.CxService/ServerAssignment': ['scscf'],
  '/rollcall.cx.v1.CxService/LocationInfo': ['scscf'],
  // Any replica may be asked: it hands the request to the one that owns the user.
  '/rollcall.cx.v1.CxCallbackService/RegistrationTermination': ['hss', 'scscf'],
  '/rollcall.cx.v1.CxCallbackService/PushProfile': ['hss', 'scscf'],
  '/rollcall.sh.v1.ShService/UserData': ['presence'],
  // The Presence Server takes it from another replica only when it says that it was forwarded.
  '/rollcall.sh.v1.ShNotificationService/PushNotification': ['hss', 'presence'],
  // A NAF; which names it may claim is its certificate's to say.
  '/rollcall.zn.v1.ZnService/BootstrappingInfo': ['ap'],
  '/rollcall.digest.v1.DigestCredentialsService/Lookup': ['ap', 'presence'],
  '/rollcall.zh.v1.ZhService/MultimediaAuth': ['bsf'],
  '/rollcall.admin.v1.SubscriberAdminService/AddSubscriber': ['operator'],
  '/rollcall.admin.v1.SubscriberAdminService/GetSubscriber': ['operator'],
  '/rollcall.admin.v1.SubscriberAdminService/ListSubscribers': ['operator'],
  '/rollcall.admin.v1.SubscriberAdminService/RemoveSubscriber': ['operator'],
  '/rollcall.admin.v1.SubscriberAdminService/SetPresencePolicy': ['operator'],
  '/rollcall.admin.v1.SubscriberAdminService/SetServiceProfile': ['operator'],
  '/rollcall.admin.v1.SubscriberAdminService/SetDigestPassword': ['operator'],
  '/rollcall.admin.v1.SubscriberAdminService/SetGuss': ['operator'],
  '/rollcall.admin.v1.SubscriberAdminService/GetGuss': ['operator'],
  '/rollcall.admin.v1.PcscfAdminService/ListContacts': ['operator'],
  // Another replica asks for what this one has, to put all together.
  '/rollcall.admin.v1.ScscfAdminService/ListRegistrations': ['operator', 'scscf'],
  '/rollcall.admin.v1.ScscfAdminService/Deregister': ['operator', 'scscf'],
  '/rollcall.admin.v1.ScscfAdminService/Reauthenticate': ['operator', 'scscf'],
  // A replica hands an operator's question to the one that owns the presentity.
  '/rollcall.admin.v1.PresenceAdminService/GetPresentity': ['operator', 'presence'],
  '/rollcall.admin.v1.PresenceAdminService/Explain': ['operator', 'presence'],
  '/rollcall.admin.v1.PresenceAdminService/Try': ['operator', 'presence'],
  // Each replica has subscriptions of every watcher.
  '/rollcall.presence.v1.PresenceReplicaService/EndWatcher': ['presence'],
  '/rollcall.presence.v1.PresenceReplicaService/Xcap': ['presence'],
  // Who may open it at all; `HOP_SENDERS` says who may send to whom.
  '/rollcall.hop.v1.SipHopService/Exchange': ['pcscf', 'scscf', 'presence'],
}

/**
 * Who may send SIP to whom, over the hop or as another vendor's node by SIP itself: receiver → senders. A node believes
 * the asserted identities of an envelope because its sender is in this list, and for no other reason.
 */
export const HOP_SENDERS: Readonly<Record<Role, readonly Role[]>> = {
  // Mw from the P-CSCF, ISC from application servers; from another S-CSCF what this one owns.
  scscf: ['pcscf', 'presence', 'as', 'scscf'],
  pcscf: ['scscf'],
  // ISC; from another replica what this one owns.
  presence: ['scscf', 'presence'],
  as: [],
  bsf: [],
  ap: [],
  hss: [],
  operator: [],
  storeadmin: [],
}

/** Whether `role` may call the rpc `path`, `/package.Service/Method`. */
export function mayCall(path: string, role: Role): boolean {
  // guard: rpc-unnamed — an rpc without a line in the table is nobody’s
  return RPC_ROLES[path]?.includes(role) ?? false
}

/** Whether `sender` may send SIP to `receiver`. */
export function maySend(sender: Role, receiver: Role): boolean {
  // guard: hop-direction-table — SIP goes along Mw and ISC and nowhere else
  return HOP_SENDERS[receiver].includes(sender)
}

/**
 * Who may assert identities by P-Asserted-Identity, where there is no envelope to say it: who has authenticated the user,
 * or has it from who did (RFC 3325 section 5). An application server gives back what it was sent, and asserts nobody.
 */
const ASSERTING: ReadonlySet<Role> = new Set<Role>(['pcscf', 'scscf'])

/** Whether what `role` says in P-Asserted-Identity is believed. */
export function mayAssert(role: Role): boolean {
  return ASSERTING.has(role)
}
