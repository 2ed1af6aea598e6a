/** What a program runs on, as documents name it. */
export interface Surroundings {
  readonly machine: {
    /** `AMD EPYC 7763 64-Core Processor`; null where it is not told, as in a browser. */
    readonly processor: string | null;
    /** Logical processors that the program may use. */
    readonly cores: number;
    readonly memoryBytes: number | null;
    /** `Linux 6.1.0 x64` */
    readonly system: string;
  };
  /** `Node 24.21.0`, or what a browser calls itself. */
  readonly runtime: string;
}
