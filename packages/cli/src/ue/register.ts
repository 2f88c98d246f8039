import type { Invocation } from '../command/command.ts'
import { withUe } from './session.ts'

/** `rollcall ue register` */
export async function register(invocation: Invocation): Promise<void> {
  const { output } = invocation
  await withUe(invocation, { stays: false }, async ({ ue }) => {
    const registration = ue.registration
    const [set] = ue.saSets
    if (!registration || !set) return
    const { associatedUris, expiresAtMs, serviceRoute } = registration
    const lines = [
      `  private identity   ${ue.impi}`,
      `  public identities  ${associatedUris.join(', ')}`,
      `  service route      ${serviceRoute.join(', ')}`,
      `  protected ports    ours ${set.local.portC} and ${set.local.portS}, the P-CSCF's ${set.remote.portC} and ${set.remote.portS}`,
      `  registered until   ${new Date(expiresAtMs).toISOString()}`,
    ]
    output.tell(lines.join('\n'), {
      event: 'registered',
      impi: ue.impi,
      associatedUris,
      serviceRoute,
      protection: ue.protection,
      expiresAt: new Date(expiresAtMs).toISOString(),
    })
  })
}
