namespace fairlead::sim {}
