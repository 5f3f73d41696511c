// Package sabotage plants bugs, to show that chaos's oracle can fail. In the
// program that ships every bug is a constant false, and the compiler leaves its
// branch out. Built with the tag sabotage, those that the environment variable
// SABOTAGE names (with commas between) are at work.
package sabotage
