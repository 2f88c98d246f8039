import { join } from 'node:path'
import { type Impu, InvalidIdentityError, parseImpu, RollcallError } from '@rollcall/core'
import {
  type Credentials,
  CredentialsError,
  fileIsimStore,
  gmTimers,
  isimStateFile,
  loadCredentials,
  Ue,
  type UeEvent,
  type UeSettings,
} from '@rollcall/ue'
import type { Invocation } from '../command/command.ts'
import { dataDirOf } from '../data-dir.ts'
import { InputFileError, UsageError } from '../errors.ts'
import { timeOfDay } from '../printable.ts'
import { suitesOf } from './esp-pairs.ts'

/** How often a command that stays asks whether its P-CSCF is alive. */
const ALIVE_CHECK_MS = 30_000

/** A registered UE for the time of one command. */
export interface Session {
  readonly ue: Ue
  readonly credentials: Credentials
  readonly credentialsFile: string
  /** The network took the registration back, and the UE is about to register again by itself. */
  comesBack: boolean
  /** Called by Ctrl-C in the place of switching the UE off. */
  onInterrupt: (() => void) | undefined
}

/**
 * Opens a UE, registers it, lets `work` act, de-registers. The UE is closed whatever happens.
 *
 * @throws CredentialsError, UeAddressError, RegistrationRefusedError … and what `work` throws.
 */
export async function withUe(
  invocation: Invocation,
  o: { stays: boolean },
  work: (session: Session) => Promise<void>,
): Promise<void> {
  const { options, output, signal } = invocation
  const credentialsFile = credentialsFileOf(invocation)
  const credentials = await loadCredentialsFile(invocation, credentialsFile)
  const t1Ms = options.whole('t1-ms')
  const suites = suitesOf(options.list('esp-pair'))
  const settings: Partial<UeSettings> = {
    ...(t1Ms === undefined ? {} : { timers: gmTimers(t1Ms) }),
    ...(suites && { suites }),
    // Who leaves at once needs no news of his registration.
    ...(o.stays ? { aliveCheckMs: ALIVE_CHECK_MS } : { refreshes: false, subscribesToRegEvent: false }),
  }
  await using ue = await Ue.open({
    credentials,
    isimStore: fileIsimStore(isimStateFile(credentialsFile)),
    settings,
    keyLogFile: options.text('keylog'),
    onEvent: (event) => {
      if (event.kind === 'registration-ended') session.comesBack = event.comesBack
      if (event.kind === 'registered') session.comesBack = false
      tellEvent(invocation, event)
    },
  })
  const session: Session = { ue, credentials, credentialsFile, comesBack: false, onInterrupt: undefined }
  const interrupted = (): void => (session.onInterrupt ? session.onInterrupt() : void ue.close())
  signal.addEventListener('abort', interrupted)
  try {
    await ue.register()
    output.remark(`registered ${ue.identity}, protected by ${ue.protection}`)
    try {
      await work(session)
    } finally {
      await deregister(invocation, ue)
    }
  } finally {
    signal.removeEventListener('abort', interrupted)
  }
}

/** What a person may call somebody: a URI, a number, or a name in the UE's own domain. @throws UsageError */
export function readUri(text: string, domain: string): Impu {
  const uri = /^(?:sips?|tel):/i.test(text)
    ? text
    : text.startsWith('+')
      ? `tel:${text}`
      : `sip:${text.includes('@') ? text : `${text}@${domain}`}`
  try {
    return parseImpu(uri)
  } catch (error) {
    if (error instanceof InvalidIdentityError) throw new UsageError(`'${text}' is no SIP or tel URI`)
    throw error
  }
}

/** Finds a wrong one before anything is done. @throws UsageError */
export function checkUri(text: string): void {
  readUri(text, 'example.invalid')
}

/** The credentials file that the options name. @throws UsageError */
export function credentialsFileOf({ options, env }: Invocation): string {
  const file = options.text('credentials')
  const name = options.text('as')
  if (file !== undefined && name !== undefined) throw new UsageError('--credentials and --as exclude each other')
  return file ?? join(dataDirOf(options, env), 'ue', `${name ?? 'alice'}-cli.json`)
}

/** @throws CredentialsError; InputFileError when the local stack has not made it yet */
export async function loadCredentialsFile({ options }: Invocation, file: string): Promise<Credentials> {
  try {
    return await loadCredentials(file)
  } catch (error) {
    const isAbsent =
      error instanceof CredentialsError && (error.cause as NodeJS.ErrnoException | undefined)?.code === 'ENOENT'
    if (!isAbsent || options.text('credentials') !== undefined) throw error
    throw new InputFileError(file, ['is not there: start the local stack once (npm start), or give --credentials'])
  }
}

/** The command has done its work: what goes wrong now is told and fails nothing. */
async function deregister({ output }: Invocation, ue: Ue): Promise<void> {
  if (ue.registration === undefined) return
  try {
    await ue.deregister()
    output.remark('de-registered')
  } catch (error) {
    if (!(error instanceof RollcallError)) throw error
    output.remark(`not de-registered: ${error.message}`)
  }
}

/** What happens to a UE that stays: a person should know why nothing comes. */
function tellEvent({ output }: Invocation, event: UeEvent): void {
  if (event.kind === 'registration-lost') {
    const text = `${timeOfDay(Date.now())} the P-CSCF has lost us; registering anew`
    output.tell(text, { event: 'registration-lost', reason: event.error?.code })
  } else if (event.kind === 'registration-ended') {
    const { reason, comesBack } = event
    const text = `${timeOfDay(Date.now())} the network ended the registration (${reason})`
    output.tell(comesBack ? `${text}; registering anew` : text, { event: 'registration-ended', reason })
  } else if (event.kind === 'refresh-failed') {
    const { what, error } = event
    const text = `${timeOfDay(Date.now())} ${what} not refreshed: ${error.message}`
    output.tell(text, { event: 'refresh-failed', what, code: error.code })
  }
}
