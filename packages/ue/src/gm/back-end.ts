import type { SaBackEnd, UdpEncapsulationOptions } from '@rollcall/esp-net'

/** What a UE says when it opens its SA back end: it knows the other end. */
export type BackEndOptions = UdpEncapsulationOptions & Required<Pick<UdpEncapsulationOptions, 'remote'>>

/** Opens an SA back end: user space ESP as a rule, the kernel's where there is one. */
export type BindBackEnd = (options: BackEndOptions) => Promise<SaBackEnd>
