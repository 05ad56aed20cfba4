#pragma once

#include "manifest/objects.h"

namespace fairlead::fuzz {

/// What the rest of the program relies on, whatever the text was: names are unique, what is referred to by a
/// key is there, lists are sorted, amounts are not negative.
void demand_sound(const manifest::ClusterObjects& objects);

}  // namespace fairlead::fuzz
