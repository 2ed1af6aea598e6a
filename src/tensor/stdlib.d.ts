/**
 * The package ships CommonJS folders without an `exports` map, so an ES module must name the file,
 * and the file has no declaration beside it.
 */
declare module '@stdlib/ndarray/ctor/lib/index.js' {
  import constructor from '@stdlib/ndarray/ctor';
  export default constructor;
}
